-- A row must exist before it can be locked; inserting it later would race.
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
  'Trigger: adds the lock rows of a new tenant, account or campaign.';

create or replace trigger users_locks
  after insert on drip.users
  for each row execute function drip._add_lock_rows();
create or replace trigger sender_accounts_locks
  after insert on drip.sender_accounts
  for each row execute function drip._add_lock_rows();
create or replace trigger campaigns_locks
  after insert on drip.campaigns
  for each row execute function drip._add_lock_rows();
