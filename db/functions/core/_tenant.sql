-- The tenant for a call that names no existing object.
create function drip._tenant() returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_users bigint[] := drip._mapped_users();
begin
  if cardinality(v_users) = 1 then
    return v_users[1];
  end if;
  if cardinality(v_users) = 0 then
    perform drip._fail(
      'DR010', 'this role is assigned to no tenant',
      'Ask an operator to run: select * from drip.assign_role(''your_role'', ''tenant name'').');
  end if;
  perform drip._fail(
    'DR010', pg_catalog.format('this role is assigned to %s tenants, and none is named',
                               cardinality(v_users)),
    'Name one: set local drip."user" = ''tenant name''.');
end
$$;
comment on function drip._tenant() is
  'Id of the tenant of the call: the only mapped one or that of drip.user; else DR010.';
