-- Replaces three foreign keys per row, which cost three quarters of the speed of bulk planning: one
-- check per statement that lead, device, step and source belong to the row's tenant.
create or replace function drip._check_message_owners() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  select n.lead_id
  into v_id
  from new_rows n
  left join drip.leads l on l.id = n.lead_id and l.user_id = n.user_id
  left join drip.user_devices d on d.id = n.device_id and d.user_id = n.user_id
  left join drip.sequence_contacts e
    on e.id = n.sequence_contact_id
    and e.user_id = n.user_id and e.sequence_id = n.sequence_id and e.lead_id = n.lead_id
  left join drip.sequence_steps st
    on st.id = n.sequence_stepid and st.sequence_id = n.sequence_id
  left join drip.campaigns c on c.id = n.campaign_id and c.user_id = n.user_id
  where l.id is null
    or (n.device_id is not null and d.id is null)
    or (n.sequence_contact_id is not null and (e.id is null or st.id is null))
    or (n.campaign_id is not null and c.id is null)
  limit 1;
  if found then
    perform drip._fail(
      'DR016', pg_catalog.format('a message for lead %s names rows of another tenant', v_id),
      'Lead, device, step and campaign of a message must belong to its user_id.');
  end if;
  return null;
end
$$;
comment on function drip._check_message_owners() is
  'Trigger: refuses messages whose lead, device, step or source belongs to another tenant.';
create or replace trigger broadcast_messages_owners
after insert on drip.broadcast_messages
referencing new table as new_rows
for each statement execute function drip._check_message_owners();
