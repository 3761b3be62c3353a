-- One line per sequence; the enrollments by status sum up to enrolled, the messages to messages.
create view drip.sequence_overview with (security_barrier) as
select
  s.user_id,
  s.id as sequence_id,
  s.name as sequence_name,
  s.status,
  s.status_reason,
  s.trigger,
  s.niche,
  s.target_status,
  s.auto_enroll,
  coalesce(t.steps, 0) as steps,
  coalesce(n.enrolled, 0) as enrolled,
  coalesce(n.pending, 0) as pending,
  coalesce(n.active, 0) as active,
  coalesce(n.sent, 0) as sent,
  coalesce(n.failed, 0) as failed,
  coalesce(n.paused, 0) as paused,
  coalesce(n.completed, 0) as completed,
  coalesce(n.sequence_failed, 0) as sequence_failed,
  coalesce(n.exited, 0) as exited,
  coalesce(q.messages, 0) as messages,
  coalesce(q.pending, 0) as messages_pending,
  coalesce(q.processing, 0) as messages_processing,
  coalesce(q.sent, 0) as messages_sent,
  coalesce(q.failed, 0) as messages_failed,
  coalesce(q.unknown, 0) as messages_unknown,
  coalesce(q.cancelled, 0) as messages_cancelled,
  coalesce(q.skipped, 0) as messages_skipped,
  coalesce(q.expired, 0) as messages_expired,
  case when q.sent + q.failed > 0 then round(100.0 * q.sent / (q.sent + q.failed), 1) end
    as sent_percent,
  n.next_trigger_time,
  q.last_sent_at,
  s.started_at,
  s.paused_at,
  coalesce(q.delivered, 0) as delivered,
  coalesce(q.read, 0) as read,
  coalesce(q.replied, 0) as replied,
  round(100.0 * q.delivered / nullif(q.sent, 0), 1) as delivered_percent,
  round(100.0 * q.read / nullif(q.sent, 0), 1) as read_percent,
  round(100.0 * q.replied / nullif(q.sent, 0), 1) as replied_percent,
  coalesce(o.opted_out, 0) as opted_out,
  round(100.0 * coalesce(o.opted_out, 0) / nullif(q.sent, 0), 1) as opted_out_percent,
  q.unconfirmed
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.sequences x where drip._policies_hold('sequence_overview')) s
left join (
  select st.sequence_id, count(*) as steps
  from drip.sequence_steps st
  where st.retired_at is null
  group by st.sequence_id
) t on t.sequence_id = s.id
left join (
  select
    e.sequence_id,
    count(*) as enrolled,
    count(*) filter (where e.status = 'pending') as pending,
    count(*) filter (where e.status = 'active') as active,
    count(*) filter (where e.status = 'sent') as sent,
    count(*) filter (where e.status = 'failed') as failed,
    count(*) filter (where e.status = 'paused') as paused,
    count(*) filter (where e.status = 'completed') as completed,
    count(*) filter (where e.status = 'sequence_failed') as sequence_failed,
    count(*) filter (where e.status = 'exited') as exited,
    min(e.next_trigger_time) as next_trigger_time
  from drip._enrollments e
  group by e.sequence_id
) n on n.sequence_id = s.id
left join (
  select
    m.sequence_id,
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
    case when bool_or(m.is_reported) then count(*) filter (where m.is_unconfirmed) end
      as unconfirmed,
    max(m.sent_at) as last_sent_at
  from drip._message_outcomes m
  where m.sequence_id is not null
  group by m.sequence_id
) q on q.sequence_id = s.id
left join (
  select a.sequence_id, count(*) as opted_out
  from drip._opt_out_answers a
  where a.sequence_id is not null
  group by a.sequence_id
) o on o.sequence_id = s.id;
comment on view drip.sequence_overview is
  'Grain: sequence (sequence_id). Its enrollments and messages by status, receipts and replies.';
comment on column drip.sequence_overview.user_id is 'Tenant.';
comment on column drip.sequence_overview.sequence_id is 'Key of the row.';
comment on column drip.sequence_overview.sequence_name is 'Its name.';
comment on column drip.sequence_overview.status is 'draft, active, paused or archived.';
comment on column drip.sequence_overview.status_reason is 'Why it has this status.';
comment on column drip.sequence_overview.trigger is 'Token by which leads enroll.';
comment on column drip.sequence_overview.niche is 'Niche that leads must have.';
comment on column drip.sequence_overview.target_status is 'Status that leads must have.';
comment on column drip.sequence_overview.auto_enroll is 'trigger, niche or manual.';
comment on column drip.sequence_overview.steps is 'Number of steps.';
comment on column drip.sequence_overview.enrolled is
  'Enrollments ever; the sum of the eight statuses after it.';
comment on column drip.sequence_overview.pending is 'Enrollments that are pending.';
comment on column drip.sequence_overview.active is 'Enrollments that are active.';
comment on column drip.sequence_overview.sent is 'Enrollments that are sent.';
comment on column drip.sequence_overview.failed is 'Enrollments that are failed.';
comment on column drip.sequence_overview.paused is 'Enrollments that are paused.';
comment on column drip.sequence_overview.completed is 'Enrollments that are completed.';
comment on column drip.sequence_overview.sequence_failed is 'Enrollments that are sequence_failed.';
comment on column drip.sequence_overview.exited is 'Enrollments that are exited.';
comment on column drip.sequence_overview.messages is
  'Planned messages; the sum of the eight statuses after it.';
comment on column drip.sequence_overview.messages_pending is 'Messages that are pending.';
comment on column drip.sequence_overview.messages_processing is 'Messages that are processing.';
comment on column drip.sequence_overview.messages_sent is 'Messages that are sent.';
comment on column drip.sequence_overview.messages_failed is 'Messages that are failed.';
comment on column drip.sequence_overview.messages_unknown is 'Messages that are unknown.';
comment on column drip.sequence_overview.messages_cancelled is 'Messages that are cancelled.';
comment on column drip.sequence_overview.messages_skipped is 'Messages that are skipped.';
comment on column drip.sequence_overview.messages_expired is 'Messages that are expired.';
comment on column drip.sequence_overview.sent_percent is 'Sent among sent and failed, in percent.';
comment on column drip.sequence_overview.next_trigger_time is
  'When the next message of any journey is due.';
comment on column drip.sequence_overview.last_sent_at is 'Last send.';
comment on column drip.sequence_overview.started_at is 'When it was first started.';
comment on column drip.sequence_overview.paused_at is 'When it was paused.';
comment on column drip.sequence_overview.delivered is
  'Sent messages that reached the phone; includes read.';
comment on column drip.sequence_overview.read is 'Sent messages that were read.';
comment on column drip.sequence_overview.replied is 'Sent messages that got a reply.';
comment on column drip.sequence_overview.delivered_percent is
  'Delivered among sent messages, in percent.';
comment on column drip.sequence_overview.read_percent is
  'Read among sent messages, in percent.';
comment on column drip.sequence_overview.replied_percent is
  'Replied among sent messages, in percent.';
comment on column drip.sequence_overview.opted_out is
  'Sent messages that an opt-out replies to.';
comment on column drip.sequence_overview.opted_out_percent is
  'Opted out among sent messages, in percent.';
comment on column drip.sequence_overview.unconfirmed is
  'Sent messages older than an hour without any receipt, where the device had receipts within 7
   days; null where no device had any.';
alter view drip.sequence_overview owner to drip_view;
grant select on drip.sequence_overview to drip_reader;
