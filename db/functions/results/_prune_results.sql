-- Breakers read only two days.
create function drip._prune_results(p_limit integer) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  delete from drip.program_results r
  where r.ctid = any (array(
    select k.ctid
    from drip.program_results k
    where k.on_day < (drip.now() at time zone 'UTC')::date - 1
    limit p_limit
    for update skip locked));
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._prune_results(integer) is
  'Deletes results of programs that no breaker reads any more; returns how many rows.';
