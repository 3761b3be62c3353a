-- One line per lead. Each part is looked up by lead and returns one row, so that nothing counts
-- twice, one lead costs only itself, and a query does not read the parts it does not name.
create view drip.leads_overview with (security_barrier) as
select
  l.user_id,
  u.name as user_name,
  l.id as lead_id,
  l.external_id,
  case when (select drip.can_see_phones()) then l.phone else drip.mask_phone(l.phone) end as phone,
  l.name as lead_name,
  l.niche,
  l.trigger,
  l.target_status,
  l.attributes,
  l.device_id,
  d.name as device_name,
  coalesce(l.time_zone, u.time_zone) as time_zone,
  coalesce(l.language, u.language) as language,
  o.category as suppressed,
  l.paused_until is not null and l.paused_until > drip.now() as is_paused,
  case when l.paused_until > drip.now() then nullif(l.paused_until, 'infinity') end as paused_until,
  case
    when (select drip.can_see_phones()) then l.pause_reason
    else drip.mask_phones_in(drip.mask_phone_in(l.pause_reason, l.phone))
  end as pause_reason,
  coalesce(e.enrollments, 0) as enrollments,
  coalesce(e.live, 0) as enrollments_live,
  coalesce(e.completed, 0) as enrollments_completed,
  coalesce(e.sequence_failed, 0) as enrollments_failed,
  coalesce(e.exited, 0) as enrollments_exited,
  e.live_sequences,
  e.journeys[1][1] as enrollment_id,
  e.journeys[1][2] as sequence_id,
  s.name as sequence_name,
  e.journeys[1][3]::integer as current_step,
  t.steps,
  coalesce(q.messages, 0) as messages,
  coalesce(q.pending, 0) as messages_pending,
  coalesce(q.processing, 0) as messages_processing,
  coalesce(q.sent, 0) as messages_sent,
  coalesce(q.failed, 0) as messages_failed,
  coalesce(q.unknown, 0) as messages_unknown,
  coalesce(q.cancelled, 0) as messages_cancelled,
  coalesce(q.skipped, 0) as messages_skipped,
  coalesce(q.expired, 0) as messages_expired,
  coalesce(q.delivered, 0) as delivered,
  coalesce(q.read, 0) as read,
  coalesce(q.replied, 0) as replied,
  q.first_sent_at,
  q.last_sent_at,
  q.last_reply_at,
  l.last_inbound_at,
  q.next_message_at,
  l.created_at,
  l.updated_at
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (
  select x.*
  from drip.leads x
  where drip._policies_hold('leads_overview') and not x.is_tester
) l
left join drip.users u on u.id = l.user_id
left join drip.user_devices d on d.id = l.device_id
left join lateral (
  select k.category
  from drip.suppressions k
  where k.user_id = l.user_id and k.phone_key = l.phone_key
  order by drip._stop_rank(k.category)
  limit 1
) o on true
left join lateral (
  select
    count(*) as enrollments,
    count(*) filter (where n.is_live) as live,
    count(*) filter (where n.status = 'completed') as completed,
    count(*) filter (where n.status = 'sequence_failed') as sequence_failed,
    count(*) filter (where n.status = 'exited') as exited,
    string_agg(distinct n.name, ', ') filter (where n.is_live) as live_sequences,
    array_agg(
      array[n.enrollment_id, n.sequence_id, n.current_step]
      order by n.next_trigger_time nulls last, n.enrollment_id)
      filter (where n.is_live) as journeys
  from (
    select
      r.enrollment_id, r.sequence_id, r.current_step, r.status, r.next_trigger_time, p.name,
      r.status not in ('completed', 'sequence_failed', 'exited') as is_live
    from drip._enrollments r
    join drip.sequences p on p.id = r.sequence_id
    where r.lead_id = l.id
  ) n
) e on true
left join drip.sequences s on s.id = e.journeys[1][2]
left join (
  select st.sequence_id, count(*) as steps
  from drip.sequence_steps st
  where st.retired_at is null
  group by st.sequence_id
) t on t.sequence_id = e.journeys[1][2]
left join lateral (
  select
    count(*) as messages,
    count(*) filter (where m.status = 'pending') as pending,
    count(*) filter (where m.status = 'processing') as processing,
    count(*) filter (where m.status = 'sent') as sent,
    count(*) filter (where m.status = 'failed') as failed,
    count(*) filter (where m.status = 'unknown') as unknown,
    count(*) filter (where m.status = 'cancelled') as cancelled,
    count(*) filter (where m.status = 'skipped') as skipped,
    count(*) filter (where m.status = 'expired') as expired,
    count(*) filter (where m.is_delivered) as delivered,
    count(*) filter (where m.is_read) as read,
    count(*) filter (where m.is_replied) as replied,
    min(m.sent_at) as first_sent_at,
    max(m.sent_at) as last_sent_at,
    max(m.replied_at) as last_reply_at,
    min(nullif(m.due_at, 'infinity')) filter (where m.status = 'pending') as next_message_at
  from drip._message_outcomes m
  where m.lead_id = l.id
) q on true;
comment on view drip.leads_overview is
  'Grain: lead (lead_id). Its data, its present journey, and its messages by status.';
comment on column drip.leads_overview.user_id is 'Tenant.';
comment on column drip.leads_overview.user_name is 'Tenant''s name.';
comment on column drip.leads_overview.lead_id is 'Key of the row.';
comment on column drip.leads_overview.external_id is
  'The application''s id for it; unique within the tenant.';
comment on column drip.leads_overview.phone is 'E.164; masked without drip_pii.';
comment on column drip.leads_overview.lead_name is 'Its name.';
comment on column drip.leads_overview.niche is 'Its niches, a comma list.';
comment on column drip.leads_overview.trigger is
  'Its triggers that no sequence has consumed yet, a comma list.';
comment on column drip.leads_overview.target_status is 'prospect or customer.';
comment on column drip.leads_overview.attributes is
  'Values of placeholders such as {attributes.city}.';
comment on column drip.leads_overview.device_id is 'Its device; null = the pool''s.';
comment on column drip.leads_overview.device_name is 'Its device''s name.';
comment on column drip.leads_overview.time_zone is
  'IANA zone of its local times: its own, else the tenant''s.';
comment on column drip.leads_overview.language is
  'Language of greetings: its own, else the tenant''s.';
comment on column drip.leads_overview.suppressed is
  'Category of its opt-out, of several the one that stops most; null: none.';
comment on column drip.leads_overview.is_paused is 'True while it is paused.';
comment on column drip.leads_overview.paused_until is
  'When its pause ends; null without one, or where it lasts until resume_lead.';
comment on column drip.leads_overview.pause_reason is
  'Why it was paused; phones in it are masked without drip_pii.';
comment on column drip.leads_overview.enrollments is
  'Journeys ever; the sum of the four counts after it.';
comment on column drip.leads_overview.enrollments_live is 'Live journeys.';
comment on column drip.leads_overview.enrollments_completed is 'Completed journeys.';
comment on column drip.leads_overview.enrollments_failed is 'Journeys ended by a failed step.';
comment on column drip.leads_overview.enrollments_exited is
  'Journeys that it exited before their end.';
comment on column drip.leads_overview.live_sequences is
  'Names of the sequences it is in, sorted, a comma list; null for none.';
comment on column drip.leads_overview.enrollment_id is
  'The live journey whose next step comes first.';
comment on column drip.leads_overview.sequence_id is 'Its sequence.';
comment on column drip.leads_overview.sequence_name is 'That sequence''s name.';
comment on column drip.leads_overview.current_step is
  'The step it is at: the one tried last, else the first.';
comment on column drip.leads_overview.steps is 'Number of that sequence''s steps.';
comment on column drip.leads_overview.messages is
  'Planned messages of every source; the sum of the eight statuses after it.';
comment on column drip.leads_overview.messages_pending is 'Messages that are pending.';
comment on column drip.leads_overview.messages_processing is 'Messages that are processing.';
comment on column drip.leads_overview.messages_sent is 'Messages that are sent.';
comment on column drip.leads_overview.messages_failed is 'Messages that are failed.';
comment on column drip.leads_overview.messages_unknown is 'Messages that are unknown.';
comment on column drip.leads_overview.messages_cancelled is 'Messages that are cancelled.';
comment on column drip.leads_overview.messages_skipped is 'Messages that are skipped.';
comment on column drip.leads_overview.messages_expired is 'Messages that are expired.';
comment on column drip.leads_overview.delivered is
  'Sent messages that reached the phone; includes read.';
comment on column drip.leads_overview.read is 'Sent messages that were read.';
comment on column drip.leads_overview.replied is 'Sent messages that got a reply.';
comment on column drip.leads_overview.first_sent_at is 'First send.';
comment on column drip.leads_overview.last_sent_at is 'Last send.';
comment on column drip.leads_overview.last_reply_at is 'Last reply to one of them.';
comment on column drip.leads_overview.last_inbound_at is
  'Last message of the contact, a reply or not.';
comment on column drip.leads_overview.next_message_at is
  'When the next message is due; in the past where a rule stops it, null where a person must act
   first. explain_lead says why.';
comment on column drip.leads_overview.created_at is 'When it became a lead.';
comment on column drip.leads_overview.updated_at is 'When it was last changed.';
alter view drip.leads_overview owner to drip_view;
grant select on drip.leads_overview to drip_reader;
