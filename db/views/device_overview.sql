-- One line per device: whether it can send, its queue, its sends, receipts and replies.
create view drip.device_overview with (security_barrier) as
select
  d.user_id,
  d.id as device_id,
  d.name as device_name,
  d.platform,
  case when (select drip.can_see_phones()) then d.phone else drip.mask_phone(d.phone) end as phone,
  d.status,
  d.status_reason,
  d.status_since,
  d.last_seen,
  d.min_delay_seconds,
  d.max_delay_seconds,
  d.burst,
  d.daily_cap,
  drip._sent_today(p.local_day, p.sent_today, (drip.now() at time zone u.time_zone)::date)
    as sent_today,
  case when e.ramp_cap is not null then e.ramp_day end as ramp_day,
  e.ramp_cap,
  coalesce(q.pending, 0) as pending,
  coalesce(q.due, 0) as due,
  coalesce(b.processing, 0) as processing,
  q.next_due_at,
  greatest(p.next_send_at, p.breaker_open_until) as may_send_at,
  case when p.breaker_open_until > drip.now() then p.breaker_open_until end as breaker_open_until,
  p.window_results as recent_results,
  p.window_failures as recent_failures,
  case
    -- pausing between two messages is how it sends
    when v.reason <> 'device_pacing' then drip.reason_sentence(v.reason)
    when coalesce(q.due, 0) = 0 then 'Nothing is due.'
    else 'It is sending.'
  end as state,
  coalesce(s.sent, 0) as messages_sent,
  coalesce(s.delivered, 0) as delivered,
  coalesce(s.read, 0) as read,
  coalesce(s.replied, 0) as replied,
  round(100.0 * s.delivered / nullif(s.sent, 0), 1) as delivered_percent,
  round(100.0 * s.read / nullif(s.sent, 0), 1) as read_percent,
  round(100.0 * s.replied / nullif(s.sent, 0), 1) as replied_percent,
  coalesce(o.opted_out, 0) as opted_out,
  round(100.0 * coalesce(o.opted_out, 0) / nullif(s.sent, 0), 1) as opted_out_percent,
  case when r.device_id is not null then coalesce(s.unconfirmed, 0) end as unconfirmed,
  l.last_receipt_at,
  d.quality_rating,
  d.quality_since,
  d.messaging_limit
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.user_devices x where drip._policies_hold('device_overview')) d
join drip.users u on u.id = d.user_id
left join drip.device_pacing p on p.device_id = d.id
left join drip._device_evidence e on e.live_device_id = d.id
left join drip._device_verdicts v on v.device_id = d.id
left join (
  select
    m.device_id,
    count(*) as pending,
    count(*) filter (where m.due_at <= drip.now()) as due,
    min(m.due_at) filter (where m.due_at < 'infinity') as next_due_at
  from drip.broadcast_messages m
  where m.status = 'pending' and m.device_id is not null
  group by m.device_id
) q on q.device_id = d.id
left join (
  select m.device_id, count(*) as processing
  from drip.broadcast_messages m
  where m.status = 'processing'
  group by m.device_id
) b on b.device_id = d.id
-- a query without their columns does not compute these
left join (
  select
    m.device_id,
    count(*) as sent,
    count(*) filter (where m.is_delivered) as delivered,
    count(*) filter (where m.is_read) as read,
    count(*) filter (where m.is_replied) as replied,
    count(*) filter (where m.is_unconfirmed) as unconfirmed
  from drip._message_outcomes m
  where m.status = 'sent'
  group by m.device_id
) s on s.device_id = d.id
left join (
  select a.device_id, count(*) as opted_out
  from drip._opt_out_answers a
  where a.device_id is not null
  group by a.device_id
) o on o.device_id = d.id
left join drip.device_receipts l on l.device_id = d.id
left join drip._reporting_devices r on r.device_id = d.id;
comment on view drip.device_overview is
  'Grain: device (device_id). Its state, its queue, its pacing, receipts and replies.';
comment on column drip.device_overview.user_id is 'Tenant.';
comment on column drip.device_overview.device_id is 'Key of the row.';
comment on column drip.device_overview.device_name is 'Its name.';
comment on column drip.device_overview.platform is
  'gowa, cloud_api, waha, evolution, wablas or whacenter.';
comment on column drip.device_overview.phone is 'Its own number; masked without drip_pii.';
comment on column drip.device_overview.status is 'online, offline, needs_attention or disabled.';
comment on column drip.device_overview.status_reason is 'What its sender reported.';
comment on column drip.device_overview.status_since is 'When it got this status.';
comment on column drip.device_overview.last_seen is 'Last time its sender answered a check.';
comment on column drip.device_overview.min_delay_seconds is
  'Shortest pause between two messages, in seconds.';
comment on column drip.device_overview.max_delay_seconds is 'Longest pause, in seconds.';
comment on column drip.device_overview.burst is 'Most messages in flight.';
comment on column drip.device_overview.daily_cap is 'Most sends per local day.';
comment on column drip.device_overview.sent_today is 'Real sends of the tenant''s local day.';
comment on column drip.device_overview.ramp_day is
  'Day of its ramp, from 1; null = it has none, or is past its end.';
comment on column drip.device_overview.ramp_cap is
  'Today''s cap by its ramp; null = no cap.';
comment on column drip.device_overview.pending is 'Its pending messages.';
comment on column drip.device_overview.due is 'Pending messages whose time has come.';
comment on column drip.device_overview.processing is 'Messages in flight.';
comment on column drip.device_overview.next_due_at is 'When the next pending message is due.';
comment on column drip.device_overview.may_send_at is
  'When its pacing and its breaker let it send again.';
comment on column drip.device_overview.breaker_open_until is
  'Until when its breaker is open.';
comment on column drip.device_overview.recent_results is 'Results in the breaker''s window.';
comment on column drip.device_overview.recent_failures is 'Failures among them.';
comment on column drip.device_overview.state is 'The state as a sentence.';
comment on column drip.device_overview.messages_sent is 'All messages that it has ever sent.';
comment on column drip.device_overview.delivered is
  'Sent messages that reached the phone; includes read.';
comment on column drip.device_overview.read is 'Sent messages that were read.';
comment on column drip.device_overview.replied is 'Sent messages that got a reply.';
comment on column drip.device_overview.delivered_percent is
  'Delivered among sent messages, in percent.';
comment on column drip.device_overview.read_percent is
  'Read among sent messages, in percent.';
comment on column drip.device_overview.replied_percent is
  'Replied among sent messages, in percent.';
comment on column drip.device_overview.opted_out is
  'Sent messages that an opt-out replies to.';
comment on column drip.device_overview.opted_out_percent is
  'Opted out among sent messages, in percent.';
comment on column drip.device_overview.unconfirmed is
  'Sent messages older than an hour without any receipt; null where the device had no receipt within
   7 days.';
comment on column drip.device_overview.last_receipt_at is
  'When the last receipt of its messages came, to the hour.';
comment on column drip.device_overview.quality_rating is
  'The provider''s rating of the number, such as GREEN, YELLOW or RED; null = none was told.';
comment on column drip.device_overview.quality_since is 'When it got this rating.';
comment on column drip.device_overview.messaging_limit is
  'The provider''s own word for the number''s limit, such as TIER_2K; null = none was told.';
alter view drip.device_overview owner to drip_view;
grant select on drip.device_overview to drip_reader;
