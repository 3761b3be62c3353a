-- Takes the highest free row; _lock_all begins with the lowest, so that it waits only for those who
-- already have one.
create function drip._try_lock_any(p_kind text, p_object_id bigint) returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_slot integer;
begin
  select k.slot
  into v_slot
  from drip.lock_rows k
  where k.kind = p_kind and k.object_id = p_object_id
  order by k.slot desc
  limit 1
  for update skip locked;
  if v_slot is null and not exists (
    select from drip.lock_rows k where k.kind = p_kind and k.object_id = p_object_id)
  then
    return 0;
  end if;
  return v_slot;
end
$$;
comment on function drip._try_lock_any(text, bigint) is
  'Locks one of these rows until the transaction ends and returns its slot; null when all are
   locked.';
