-- How many contacts reached which step: one line per sequence and step.
create view drip.sequence_funnel with (security_barrier) as
select
  s.user_id,
  s.id as sequence_id,
  s.name as sequence_name,
  st.id as sequence_stepid,
  st.day_number as step,
  st.name as step_name,
  st.message_type,
  st.trigger_delay_hours,
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
  case when q.messages > 0 then round(100.0 * q.sent / q.messages, 1) end as sent_percent,
  q.first_sent_at,
  q.last_sent_at,
  round(100.0 * q.delivered / nullif(q.sent, 0), 1) as delivered_percent,
  round(100.0 * q.read / nullif(q.sent, 0), 1) as read_percent,
  round(100.0 * q.replied / nullif(q.sent, 0), 1) as replied_percent,
  coalesce(o.opted_out, 0) as opted_out,
  round(100.0 * coalesce(o.opted_out, 0) / nullif(q.sent, 0), 1) as opted_out_percent,
  q.unconfirmed,
  st.retired_at
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.sequence_steps x where drip._policies_hold('sequence_funnel')) st
join drip.sequences s on s.id = st.sequence_id
left join (
  select
    m.sequence_stepid,
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
    min(m.sent_at) as first_sent_at,
    max(m.sent_at) as last_sent_at
  from drip._message_outcomes m
  where m.sequence_stepid is not null
  group by m.sequence_stepid
) q on q.sequence_stepid = st.id
left join (
  select a.sequence_stepid, count(*) as opted_out
  from drip._opt_out_answers a
  where a.sequence_stepid is not null
  group by a.sequence_stepid
) o on o.sequence_stepid = st.id
order by s.name, st.day_number, st.retired_at nulls first;
comment on view drip.sequence_funnel is
  'Grain: sequence × step (sequence_stepid). The messages of each step by status, receipts and
   replies.';
comment on column drip.sequence_funnel.user_id is 'Tenant.';
comment on column drip.sequence_funnel.sequence_id is 'Sequence.';
comment on column drip.sequence_funnel.sequence_name is 'Its name.';
comment on column drip.sequence_funnel.sequence_stepid is 'Key of the row.';
comment on column drip.sequence_funnel.step is 'Position of the step, from 1.';
comment on column drip.sequence_funnel.step_name is 'Name of the step.';
comment on column drip.sequence_funnel.message_type is 'What it sends.';
comment on column drip.sequence_funnel.trigger_delay_hours is
  'Wait since the previous step, in hours.';
comment on column drip.sequence_funnel.messages is
  'Journeys that have this step; the sum of the eight statuses after it.';
comment on column drip.sequence_funnel.messages_pending is 'Messages that are pending.';
comment on column drip.sequence_funnel.messages_processing is 'Messages that are processing.';
comment on column drip.sequence_funnel.messages_sent is 'Messages that are sent.';
comment on column drip.sequence_funnel.messages_failed is 'Messages that are failed.';
comment on column drip.sequence_funnel.messages_unknown is 'Messages that are unknown.';
comment on column drip.sequence_funnel.messages_cancelled is 'Messages that are cancelled.';
comment on column drip.sequence_funnel.messages_skipped is 'Messages that are skipped.';
comment on column drip.sequence_funnel.messages_expired is 'Messages that are expired.';
comment on column drip.sequence_funnel.delivered is
  'Sent messages that reached the phone; includes read.';
comment on column drip.sequence_funnel.read is 'Sent messages that were read.';
comment on column drip.sequence_funnel.replied is 'Sent messages that got a reply.';
comment on column drip.sequence_funnel.sent_percent is
  'Sent among all messages of the step, in percent.';
comment on column drip.sequence_funnel.first_sent_at is 'First send.';
comment on column drip.sequence_funnel.last_sent_at is 'Last send.';
comment on column drip.sequence_funnel.delivered_percent is
  'Delivered among sent messages, in percent.';
comment on column drip.sequence_funnel.read_percent is
  'Read among sent messages, in percent.';
comment on column drip.sequence_funnel.replied_percent is
  'Replied among sent messages, in percent.';
comment on column drip.sequence_funnel.opted_out is
  'Sent messages that an opt-out replies to.';
comment on column drip.sequence_funnel.opted_out_percent is
  'Opted out among sent messages, in percent.';
comment on column drip.sequence_funnel.unconfirmed is
  'Sent messages older than an hour without any receipt, where the device had receipts within 7
   days; null where no device had any.';
comment on column drip.sequence_funnel.retired_at is
  'When an edit removed the step from the sequence; null while it is in use.';
alter view drip.sequence_funnel owner to drip_view;
grant select on drip.sequence_funnel to drip_reader;
