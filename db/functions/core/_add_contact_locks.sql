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
