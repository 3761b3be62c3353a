-- A guard can end the session that asks it; nothing inside that session can report or prevent it.
-- The worker knows whose claim died, and suspends that tenant's guards: for a quarter of an hour at
-- once, since every such claim is lost for all tenants.
create function drip.rest_guards(p_user_id bigint, p_error text, p_shared boolean default false)
returns table (name text, suspended_until timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_rest constant interval := interval '15 minutes';
  v_now constant timestamptz := drip.now();
begin
  perform drip._require_role('drip_worker');
  return query
    update drip.guards g
    set errors = g.errors + 1,
      suspended_until = v_now + c_rest,
      last_error = left(p_error, 500),
      last_error_at = v_now
    where g.name in (
      select l.name
      from drip.guards l
      where coalesce(l.suspended_until, v_now) <= v_now
        and case
          when p_shared then l.user_id is null and exists (
            select
            from drip.sequences s
            where s.user_id = p_user_id
              and s.status <> 'archived'
              and drip._names_guard(s, l.name))
          else l.user_id = p_user_id
        end
      for no key update skip locked)
    returning g.name, g.suspended_until;
end
$$;
comment on function drip.rest_guards(bigint, text, boolean) is
  'Suspends the guards registered for a tenant alone, or with p_shared those for all that its
   sequences name, for 15 minutes with this error; returns them. For a worker whose sessions end
   when it asks them.';
grant execute on function drip.rest_guards(bigint, text, boolean) to drip_worker;
