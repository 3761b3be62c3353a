-- A function, not a view: the error of a guard for all tenants may be about any of them.
create function drip.list_guards()
returns table (
  name text, function_name text, description text, state text, problem text, used_by text[],
  suspended_until timestamptz, errors integer, last_error text, last_error_at timestamptz,
  created_at timestamptz, user_id bigint, user_name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    g.name,
    g.function_name,
    g.description,
    case
      when c.problem is not null then 'broken'
      when g.suspended_until > drip.now() then 'resting'
      when g.errors > 0 then 'failing'
      else 'ready'
    end,
    c.problem,
    array(
      select s.name
      from drip.sequences s
      where s.status <> 'archived'
        and s.user_id = any (drip._mapped_users())
        and drip._names_guard(s, g.name)
      order by s.name),
    g.suspended_until,
    g.errors,
    g.last_error,
    g.last_error_at,
    g.created_at,
    g.user_id,
    u.name
  from drip.guards g
  left join drip.users u on u.id = g.user_id
  cross join lateral drip._guard_call(g.function_name) c
  where drip._require_role('drip_operator')
    and (g.user_id is null or g.user_id = any (drip._mapped_users()))
  order by g.name
$$;
comment on function drip.list_guards() is
  'One row per guard: its state (ready; failing: its last answer was an error; resting: not asked
   until suspended_until; broken: problem says why), the sequences that name it, errors in a row and
   the last one; user_id: the only tenant that may name it (null: all).';
grant execute on function drip.list_guards() to drip_operator;
