-- The tenants that a call may serve: all for owner, superuser, operators and workers, else those of
-- user_roles; narrowed by drip.user, which counts only if mapped, and by _bind_tenant().
create function drip._mapped_users() returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_caller name := coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
  v_wanted text := nullif(pg_catalog.current_setting('drip.user', true), '');
  v_bound constant bigint[] := array(select b.only_user from drip.bound_tenants b);
  v_users bigint[];
begin
  if pg_catalog.pg_has_role(v_caller, 'drip_operator', 'member')
    or pg_catalog.pg_has_role(v_caller, 'drip_worker', 'member')
  then
    select array_agg(u.id order by u.id)
    into v_users
    from drip.users u
    where (v_wanted is null or v_wanted in (u.id::text, u.name))
      and u.id = all (v_bound);
  else
    select array_agg(distinct u.id)
    into v_users
    from drip.user_roles ur
    join pg_catalog.pg_roles r on r.rolname = ur.role_name
    join drip.users u on u.id = ur.user_id
    where pg_catalog.pg_has_role(v_caller, r.oid, 'member')
      and (v_wanted is null or v_wanted in (u.id::text, u.name))
      and u.id = all (v_bound);
  end if;
  if v_users is null and v_wanted is not null then
    if pg_catalog.pg_has_role(v_caller, 'drip_operator', 'member') then
      perform drip._fail(
        'DR010', pg_catalog.format('there is no tenant %L', v_wanted),
        pg_catalog.format(
          'The nearest name is %L; create_user creates one.',
          drip._nearest(v_wanted, array(
            select u.name from drip.users u where u.id = all (v_bound)))));
    end if;
    perform drip._fail(
      'DR010', pg_catalog.format('role %s may not act for tenant %L', v_caller, v_wanted),
      'Set drip."user" to a tenant of this role, or ask an operator to call'
      ' assign_role(role, tenant).');
  end if;
  return coalesce(v_users, '{}');
end
$$;
comment on function drip._mapped_users() is
  'Ids of the tenants the caller may act for, narrowed by drip.user; DR010 if that is not mapped.';
