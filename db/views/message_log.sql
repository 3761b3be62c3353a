-- Every message with its source and outcome, for people and for filters:
-- retry_messages(array(select message_id from drip.message_log where …)).
create view drip.message_log with (security_barrier) as
select
  m.id as message_id,
  m.user_id,
  u.name as user_name,
  case
    when m.campaign_id is not null then 'campaign'
    when m.sequence_id is not null then 'sequence'
    when m.is_test then 'test'
    else 'single'
  end as source_kind,
  coalesce(c.title, s.name, m.source ->> 'test_of') as source_name,
  m.campaign_id,
  m.sequence_id,
  m.sequence_contact_id as enrollment_id,
  m.sequence_stepid,
  st.day_number as step,
  m.lead_id,
  case
    when (select drip.can_see_phones()) then m.recipient_phone
    else drip.mask_phone(m.recipient_phone)
  end as recipient_phone,
  m.recipient_name,
  m.device_id,
  d.name as device_name,
  m.category,
  m.message_type,
  -- cancelling a large campaign changes its messages in chunks
  case when c.status = 'cancelled' and m.status = 'pending' then 'cancelled' else m.status end
    as status,
  case
    when c.status = 'cancelled' and m.status = 'pending' then 'campaign_cancelled'
    else m.status_reason
  end as status_reason,
  case
    when m.status = 'pending' and m.status_reason is null
      then drip.reason_sentence(m.deferred_reason)
    else drip.reason_sentence(m.status_reason)
  end as sentence,
  m.planned_at,
  m.scheduled_at,
  nullif(m.not_before, 'infinity') as not_before,
  m.deferred_reason,
  m.expires_at,
  m.attempts,
  m.failures,
  m.worker_id,
  m.lease_expires_at,
  m.sent_at,
  m.delivered_at,
  m.read_at,
  m.replied_at,
  m.finished_at,
  m.error_code,
  m.error_message,
  m.provider_message_id,
  -- a {phone} in a text shows a phone, so it is masked too
  case
    when (select drip.can_see_phones()) then m.content
    else drip.mask_phone_in(m.content, m.recipient_phone)
  end as content,
  case
    when (select drip.can_see_phones()) then m.caption
    else drip.mask_phone_in(m.caption, m.recipient_phone)
  end as caption,
  m.media_url,
  m.priority,
  m.idempotency_key,
  m.created_at,
  m.variant
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.broadcast_messages x where drip._policies_hold('message_log')) m
join drip.users u on u.id = m.user_id
left join drip.user_devices d on d.id = m.device_id
left join drip.campaigns c on c.id = m.campaign_id
left join drip.sequences s on s.id = m.sequence_id
left join drip.sequence_steps st on st.id = m.sequence_stepid;
comment on view drip.message_log is
  'Grain: message (message_id). Each planned message, its source, its status and why.';
comment on column drip.message_log.message_id is 'Key of the row.';
comment on column drip.message_log.user_id is 'Tenant.';
comment on column drip.message_log.user_name is 'Tenant''s name.';
comment on column drip.message_log.source_kind is
  'campaign, sequence, single, or test: from send_test_campaign or send_test_step.';
comment on column drip.message_log.source_name is
  'Title of the campaign or name of the sequence, also for a test.';
comment on column drip.message_log.campaign_id is 'Campaign, if it belongs to one.';
comment on column drip.message_log.sequence_id is 'Sequence, if it belongs to one.';
comment on column drip.message_log.enrollment_id is 'Enrollment whose journey it belongs to.';
comment on column drip.message_log.sequence_stepid is 'Step that it sends.';
comment on column drip.message_log.step is 'Position of the step, from 1.';
comment on column drip.message_log.lead_id is 'Contact.';
comment on column drip.message_log.recipient_phone is 'E.164; masked without drip_pii.';
comment on column drip.message_log.recipient_name is 'Name at planning, then at the claim.';
comment on column drip.message_log.device_id is 'Sending device; null while there is none.';
comment on column drip.message_log.device_name is 'Its name.';
comment on column drip.message_log.category is 'marketing or utility.';
comment on column drip.message_log.message_type is
  'text, image, video, document, audio or template.';
comment on column drip.message_log.status is
  'pending, processing, sent, failed, unknown, cancelled, skipped or expired.';
comment on column drip.message_log.status_reason is 'Code of why it has this status.';
comment on column drip.message_log.sentence is 'The reason as a sentence.';
comment on column drip.message_log.planned_at is 'Time at planning; never changes.';
comment on column drip.message_log.scheduled_at is 'Time now, after shifts.';
comment on column drip.message_log.not_before is 'Deferred by the claim until then.';
comment on column drip.message_log.deferred_reason is 'Why it was deferred.';
comment on column drip.message_log.expires_at is 'Past this it expires instead of going late.';
comment on column drip.message_log.attempts is 'How often it was claimed.';
comment on column drip.message_log.failures is 'How often it failed for reasons of its own.';
comment on column drip.message_log.worker_id is 'Worker of the last claim.';
comment on column drip.message_log.lease_expires_at is
  'End of the worker''s lease while processing.';
comment on column drip.message_log.sent_at is 'When the sender accepted it.';
comment on column drip.message_log.delivered_at is 'When it reached the phone.';
comment on column drip.message_log.read_at is 'When it was read.';
comment on column drip.message_log.replied_at is 'When the contact replied to it.';
comment on column drip.message_log.finished_at is 'When it reached its status, if final.';
comment on column drip.message_log.error_code is 'Code of the last error; null once sent.';
comment on column drip.message_log.error_message is 'Text of the last error; null once sent.';
comment on column drip.message_log.provider_message_id is 'The provider''s id for it.';
comment on column drip.message_log.content is 'Text as sent; null until the claim.';
comment on column drip.message_log.caption is 'Caption as sent; null until the claim.';
comment on column drip.message_log.media_url is 'Media as sent; null until the claim.';
comment on column drip.message_log.priority is 'Class in the device''s queue: 1 before 2 before 3.';
comment on column drip.message_log.idempotency_key is 'The application''s key.';
comment on column drip.message_log.created_at is 'When it was planned.';
comment on column drip.message_log.variant is
  'Variant of the campaign that its last claim chose; null = none, or not claimed.';
alter view drip.message_log owner to drip_view;
grant select on drip.message_log to drip_reader;
