-- Why each pending message has not gone and when it may: the verdict of the claim.
create view drip.message_outlook with (security_barrier) as
select
  f.message_id,
  f.user_id,
  f.lead_id,
  case
    when (select drip.can_see_phones()) then f.recipient_phone
    else drip.mask_phone(f.recipient_phone)
  end as recipient_phone,
  case
    when f.campaign_id is not null then 'campaign'
    when f.sequence_id is not null then 'sequence'
    else 'single'
  end as source_kind,
  coalesce(c.title, s.name) as source_name,
  st.day_number as step,
  f.device_id,
  d.name as device_name,
  f.verdict,
  f.reason,
  case
    when f.reason is not null then drip.reason_sentence(f.reason)
    -- the claim asks guards for the few it may take; this view may cover 100,000
    when f.exit_if is not null or f.only_if is not null then
      'It may go now if its guard agrees: '
      || concat_ws(', ', 'exit_if ' || f.exit_if, 'only_if ' || f.only_if) || '.'
    else 'It may go now; its device sends it next.'
  end as sentence,
  case f.verdict when 'go' then drip.now() else f.until end as earliest,
  f.scheduled_at,
  f.planned_at,
  f.priority
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip._message_facts x where drip._policies_hold('message_outlook')) f
left join drip.user_devices d on d.id = f.device_id
left join drip.campaigns c on c.id = f.campaign_id
left join drip.sequences s on s.id = f.sequence_id
left join drip.sequence_steps st on st.id = f.sequence_stepid
where f.user_id = any (array(select u.id from drip.users u));
comment on view drip.message_outlook is
  'Grain: pending message (message_id). Its verdict, why, and until when that reason applies;
   explain_message considers all rules together.';
comment on column drip.message_outlook.message_id is 'Key of the row.';
comment on column drip.message_outlook.user_id is 'Tenant.';
comment on column drip.message_outlook.lead_id is 'Contact.';
comment on column drip.message_outlook.recipient_phone is 'E.164; masked without drip_pii.';
comment on column drip.message_outlook.source_kind is 'campaign, sequence or single.';
comment on column drip.message_outlook.source_name is
  'Title of the campaign or name of the sequence.';
comment on column drip.message_outlook.step is 'Position of the step, from 1.';
comment on column drip.message_outlook.device_id is 'Sending device.';
comment on column drip.message_outlook.device_name is 'Its name.';
comment on column drip.message_outlook.verdict is 'go, wait or drop.';
comment on column drip.message_outlook.reason is 'Code of the reason; null for go.';
comment on column drip.message_outlook.sentence is 'The reason as a sentence.';
comment on column drip.message_outlook.earliest is
  'When this reason ends; null when a person must act first. explain_message has the earliest time
   over all rules.';
comment on column drip.message_outlook.scheduled_at is 'Time now, after shifts.';
comment on column drip.message_outlook.planned_at is 'Time at planning.';
comment on column drip.message_outlook.priority is
  'Class in the device''s queue: 1 before 2 before 3.';
alter view drip.message_outlook owner to drip_view;
grant select on drip.message_outlook to drip_reader;
