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
  c.last_error
from drip.campaigns c
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
    count(*) filter (where m.delivered_at is not null or m.read_at is not null) as delivered,
    count(*) filter (where m.read_at is not null) as read,
    count(*) filter (where m.replied_at is not null) as replied,
    min(m.sent_at) as first_sent_at,
    max(m.sent_at) as last_sent_at
  from drip.broadcast_messages m
  where m.campaign_id is not null
  group by m.campaign_id
) q on q.campaign_id = c.id;
comment on view drip.campaign_overview is
  'Grain: campaign (campaign_id). Its audience and messages by state.';
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
comment on column drip.campaign_overview.audience is 'Registered view that names its audience.';
comment on column drip.campaign_overview.audience_count is
  'Leads that matched when it was expanded.';
comment on column drip.campaign_overview.expanded_at is 'When all its messages were planned.';
comment on column drip.campaign_overview.messages is
  'Messages planned; the sum of the eight states after it.';
comment on column drip.campaign_overview.messages_pending is 'Messages that are pending.';
comment on column drip.campaign_overview.messages_processing is 'Messages that are processing.';
comment on column drip.campaign_overview.messages_sent is 'Messages that are sent.';
comment on column drip.campaign_overview.messages_failed is 'Messages that are failed.';
comment on column drip.campaign_overview.messages_unknown is 'Messages that are unknown.';
comment on column drip.campaign_overview.messages_cancelled is 'Messages that are cancelled.';
comment on column drip.campaign_overview.messages_skipped is 'Messages that are skipped.';
comment on column drip.campaign_overview.messages_expired is 'Messages that are expired.';
comment on column drip.campaign_overview.delivered is
  'Sent ones that reached the phone; includes read.';
comment on column drip.campaign_overview.read is 'Sent ones that were read.';
comment on column drip.campaign_overview.replied is 'Sent ones that got a reply.';
comment on column drip.campaign_overview.finished_percent is
  'Messages neither pending nor processing, in percent.';
comment on column drip.campaign_overview.first_sent_at is 'First send.';
comment on column drip.campaign_overview.last_sent_at is 'Last send.';
comment on column drip.campaign_overview.completed_at is 'When it completed.';
comment on column drip.campaign_overview.last_run_at is 'Last expansion.';
comment on column drip.campaign_overview.last_error is 'Last error of the expansion.';
alter view drip.campaign_overview owner to drip_view;
grant select on drip.campaign_overview to drip_reader;
