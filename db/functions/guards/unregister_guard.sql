-- Live sequences that name the guard would send without asking, so it must stay for them.
create function drip.unregister_guard(p_name text, p_reason text default null)
returns table (name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_guard drip.guards := drip._find_guard(p_name);
  v_users text[];
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform 1 from drip.guards g where g.name = v_guard.name for update;
  v_users := array(
    select format('%s (tenant %s)', quote_literal(s.name), quote_literal(u.name))
    from drip.sequences s
    join drip.users u on u.id = s.user_id
    where s.status <> 'archived' and drip._names_guard(s, v_guard.name)
    order by u.name, s.name
    limit 4);
  perform drip._refuse_if_named(
    'guard', v_guard.name, v_users,
    'Take exit_if and only_if out with update_sequence, or archive the sequence.');
  update drip.sequence_steps st
  set only_if = null
  where st.only_if = v_guard.name;
  update drip.sequences s
  set exit_if = null
  where s.exit_if = v_guard.name;
  delete from drip.guards g where g.name = v_guard.name;
  perform drip._audit(
    null, 'unregister_guard', 'guard', null, p_reason,
    jsonb_build_object('guard', v_guard.name, 'function', v_guard.function_name));
  return query select v_guard.name, 'unregistered'::text;
end
$$;
comment on function drip.unregister_guard(text, text) is
  'Removes a guard that only archived sequences name; its function stays with drip_guard. Outcome:
   unregistered.';
grant execute on function drip.unregister_guard(text, text) to drip_operator;

create function drip._find_guard(p_name text) returns drip.guards
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := nullif(btrim(p_name), '');
  v_found drip.guards;
begin
  if v_name is null then
    perform drip._fail('DR001', 'no guard is named', 'Pass its name; list_guards has them.');
  end if;
  select g.* into v_found from drip.guards g where g.name = v_name;
  if v_found.name is null then
    perform drip._fail(
      'DR012', format('there is no guard %s', quote_literal(v_name)),
      coalesce(
        'The nearest one is '
          || quote_literal(drip._nearest(v_name, array(select g.name from drip.guards g))) || '.',
        'None is registered; an operator does it with register_guard.'));
  end if;
  return v_found;
end
$$;
comment on function drip._find_guard(text) is
  'The guard of that name; DR012 names the nearest one.';
