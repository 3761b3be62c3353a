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

-- The highest that is free; _lock_all begins with the lowest, so that it waits for those who have
-- one already, and for nobody who comes later.
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
  'Locks one of these rows until the transaction ends and returns its slot; null when others have
   them all.';

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
  'Waits for everybody who has one of these rows, and keeps them all until the transaction ends.';

create or replace function drip._add_lock_rows() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into drip.lock_rows as k (kind, object_id, slot)
  select w.kind, new.id, s.slot
  from (values
    ('users', 'chains', 1), ('users', 'queues', 1), ('sender_accounts', 'account', 1),
    ('campaigns', 'planning', 1), ('campaigns', 'campaign', 8)) as w (table_name, kind, slots)
  cross join lateral generate_series(0, w.slots - 1) as s (slot)
  where w.table_name = tg_table_name;
  return null;
end
$$;
comment on function drip._add_lock_rows() is
  'Trigger: the rows to lock for a new tenant, account or campaign.';

create or replace trigger users_locks
  after insert on drip.users
  for each row execute function drip._add_lock_rows();
create or replace trigger sender_accounts_locks
  after insert on drip.sender_accounts
  for each row execute function drip._add_lock_rows();
create or replace trigger campaigns_locks
  after insert on drip.campaigns
  for each row execute function drip._add_lock_rows();

-- Only tenants with such a rule need them.
create or replace function drip._add_contact_locks() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into drip.lock_rows as k (kind, object_id, slot)
  select 'contacts', new.id, s.slot
  from generate_series(0, 1023) as s (slot)
  on conflict do nothing;
  return null;
end
$$;
comment on function drip._add_contact_locks() is
  'Trigger: the rows to lock for the contacts of a tenant that has a gap or a cap for them.';

create or replace trigger users_contact_locks
  after insert or update of contact_gap, contact_cap on drip.users
  for each row when (new.contact_gap is not null or new.contact_cap is not null)
  execute function drip._add_contact_locks();
