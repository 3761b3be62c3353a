-- Only tenants with a contact gap or cap need these rows.
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
  'Trigger: adds the lock rows for the contacts of a tenant with a contact gap or cap.';

create or replace trigger users_contact_locks
  after insert or update of contact_gap, contact_cap on drip.users
  for each row when (new.contact_gap is not null or new.contact_cap is not null)
  execute function drip._add_contact_locks();
