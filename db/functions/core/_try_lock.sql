-- Our locks are row locks on drip.lock_rows, because every login of the cluster may take an
-- advisory lock and read its key in pg_locks (docs/decisions/locks.md). Lock rows are created with
-- their objects. Where one is missing nothing is locked: better that than sending nothing.
create function drip._try_lock(p_kind text, p_object_id bigint, p_slot integer) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
  from drip.lock_rows k
  where k.kind = p_kind and k.object_id = p_object_id and k.slot = p_slot
  for update skip locked;
  return found or not exists (
    select
    from drip.lock_rows k
    where k.kind = p_kind and k.object_id = p_object_id and k.slot = p_slot);
end
$$;
comment on function drip._try_lock(text, bigint, integer) is
  'Locks this row until the transaction ends; false when another transaction has locked it.';
