-- Rows of bound_tenants are always rolled back, and every statement of a login reads the file that
-- holds them. Where autovacuum is off it only grows. It never has a row that anybody sees, so
-- that emptying it harms no snapshot. It shuts out everybody until commit: so it is no sweep of
-- tick(), which a person may call in a transaction and leave open, and nothing here waits.
create function drip.clear_bound_tenants()
returns table (is_cleared boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant bigint := 256 * 1024;
begin
  perform drip._require_role('drip_worker');
  if pg_catalog.pg_relation_size('drip.bound_tenants') < c_most then
    return query select false;
    return;
  end if;
  lock table drip.bound_tenants in access exclusive mode nowait;
  truncate table drip.bound_tenants;
  return query select true;
exception
  when lock_not_available then
    return query select false;
end
$$;
comment on function drip.clear_bound_tenants() is
  'Removes what guards and audiences have left dead in bound_tenants, from 256 kB on, where vacuum
   does not; false where there is too little, or somebody reads it. Workers call it; commit at once,
   since everybody else waits until then.';
grant execute on function drip.clear_bound_tenants() to drip_worker;
