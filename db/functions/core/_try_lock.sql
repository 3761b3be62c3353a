-- Locks of ours are row locks on drip.lock_rows, because every login of the cluster may take an
-- advisory lock, and pg_locks shows it the key (docs/decisions/locks.md). The rows come about with
-- what they stand for. Where they are missing nothing is locked: rather that than nothing is sent.
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
  'Locks this row until the transaction ends; false when another transaction has it.';
