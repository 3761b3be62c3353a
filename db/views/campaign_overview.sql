-- One line per campaign; the message buckets sum to messages.
create view drip.campaign_overview with (security_barrier) as
select
  c.user_id,
  c.id as campaign_id,
  c.title,
  c.status,
  c.status_reason,
  c.scheduled_at,
  c.niche,
  c.target_status,
  c.everyone,
  c.audience,
  c.audience_count,
  c.expanded_at,
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
  case
    when q.messages > 0
      then round(100.0 * (q.messages - q.pending - q.processing) / q.messages, 1)
  end as finished_percent,
  q.first_sent_at,
  q.last_sent_at,
  c.completed_at,
  c.last_run_at,
  c.last_error,
  round(100.0 * q.delivered / nullif(q.sent, 0), 1) as delivered_percent,
  round(100.0 * q.read / nullif(q.sent, 0), 1) as read_percent,
  round(100.0 * q.replied / nullif(q.sent, 0), 1) as replied_percent,
  coalesce(o.opted_out, 0) as opted_out,
  round(100.0 * coalesce(o.opted_out, 0) / nullif(q.sent, 0), 1) as opted_out_percent,
  q.unconfirmed
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.campaigns x where drip._policies_hold('campaign_overview')) c
left join (
  select
    m.campaign_id,
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
  where m.campaign_id is not null
  group by m.campaign_id
) q on q.campaign_id = c.id
left join (
  select a.campaign_id, count(*) as opted_out
  from drip._opt_out_answers a
  where a.campaign_id is not null
  group by a.campaign_id
) o on o.campaign_id = c.id;
comment on view drip.campaign_overview is
  'Grain: campaign (campaign_id). Its audience, its messages by status, receipts and replies.';
comment on column drip.campaign_overview.user_id is 'Tenant.';
comment on column drip.campaign_overview.campaign_id is 'Key of the row.';
comment on column drip.campaign_overview.title is 'Its title.';
comment on column drip.campaign_overview.status is
  'draft, pending, triggered, completed, paused, cancelled or failed.';
comment on column drip.campaign_overview.status_reason is 'Why it has this status.';
comment on column drip.campaign_overview.scheduled_at is 'When it starts.';
comment on column drip.campaign_overview.niche is 'Niche of its audience.';
comment on column drip.campaign_overview.target_status is 'Status of its audience; all means all.';
comment on column drip.campaign_overview.everyone is 'True: every lead.';
comment on column drip.campaign_overview.audience is 'Registered view of its audience.';
comment on column drip.campaign_overview.audience_count is
  'Leads that matched when it was expanded.';
comment on column drip.campaign_overview.expanded_at is 'When all its messages were planned.';
comment on column drip.campaign_overview.messages is
  'Planned messages; the sum of the eight statuses after it.';
comment on column drip.campaign_overview.messages_pending is 'Messages that are pending.';
comment on column drip.campaign_overview.messages_processing is 'Messages that are processing.';
comment on column drip.campaign_overview.messages_sent is 'Messages that are sent.';
comment on column drip.campaign_overview.messages_failed is 'Messages that are failed.';
comment on column drip.campaign_overview.messages_unknown is 'Messages that are unknown.';
comment on column drip.campaign_overview.messages_cancelled is 'Messages that are cancelled.';
comment on column drip.campaign_overview.messages_skipped is 'Messages that are skipped.';
comment on column drip.campaign_overview.messages_expired is 'Messages that are expired.';
comment on column drip.campaign_overview.delivered is
  'Sent messages that reached the phone; includes read.';
comment on column drip.campaign_overview.read is 'Sent messages that were read.';
comment on column drip.campaign_overview.replied is 'Sent messages that got a reply.';
comment on column drip.campaign_overview.finished_percent is
  'Messages neither pending nor processing, in percent.';
comment on column drip.campaign_overview.first_sent_at is 'First send.';
comment on column drip.campaign_overview.last_sent_at is 'Last send.';
comment on column drip.campaign_overview.completed_at is 'When it completed.';
comment on column drip.campaign_overview.last_run_at is 'Last expansion.';
comment on column drip.campaign_overview.last_error is 'Last error of the expansion.';
comment on column drip.campaign_overview.delivered_percent is
  'Delivered among sent messages, in percent.';
comment on column drip.campaign_overview.read_percent is
  'Read among sent messages, in percent.';
comment on column drip.campaign_overview.replied_percent is
  'Replied among sent messages, in percent.';
comment on column drip.campaign_overview.opted_out is
  'Sent messages that an opt-out replies to.';
comment on column drip.campaign_overview.opted_out_percent is
  'Opted out among sent messages, in percent.';
comment on column drip.campaign_overview.unconfirmed is
  'Sent messages older than an hour without any receipt, where the device had receipts within 7
   days; null where no device had any.';
alter view drip.campaign_overview owner to drip_view;
grant select on drip.campaign_overview to drip_reader;
