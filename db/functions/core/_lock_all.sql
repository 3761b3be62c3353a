-- A claim locks one of several rows; a verb that must exclude claims locks all.
create function drip._lock_all(p_kind text, p_object_id bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
  from drip.lock_rows k
  where k.kind = p_kind and k.object_id = p_object_id
  order by k.slot
  for update;
end
$$;
comment on function drip._lock_all(text, bigint) is
  'Waits for every holder of one of these rows, and locks them all until the transaction ends.';
