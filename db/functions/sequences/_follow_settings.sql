-- Category and priority are copied to each message, where the queue and the contact's limits read
-- them; pending messages follow their sequence. It waits for messages that are being claimed, so
-- that none keeps the old values.
create or replace function drip._follow_settings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  with locked as (
    select m.id
    from drip.sequence_contacts e
    join drip.broadcast_messages m on m.sequence_contact_id = e.id
    where e.sequence_id = new.id and e.completed_at is null and m.status = 'pending'
    order by m.id
    for no key update of m
  )
  update drip.broadcast_messages m
  set category = new.category, priority = new.priority
  from locked k
  where m.id = k.id;
  return null;
end
$$;
comment on function drip._follow_settings() is
  'Trigger: pending messages follow the category and the priority of their sequence.';

create or replace trigger follow_settings
  after update of category, priority on drip.sequences
  for each row
  when ((new.category, new.priority) is distinct from (old.category, old.priority))
  execute function drip._follow_settings();
