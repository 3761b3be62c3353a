-- One line per device: can it send, what waits for it, what it did today.
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
  case when p.local_day = (drip.now() at time zone u.time_zone)::date then p.sent_today else 0 end
    as sent_today,
  coalesce(q.pending, 0) as pending,
  coalesce(q.due, 0) as due,
  coalesce(b.processing, 0) as processing,
  q.next_due_at,
  greatest(p.next_send_at, p.breaker_open_until) as may_send_at,
  case when p.breaker_open_until > drip.now() then p.breaker_open_until end as breaker_open_until,
  p.window_results as recent_results,
  p.window_failures as recent_failures,
  case
    when not u.is_active then drip.reason_sentence('user_inactive')
    when d.status = 'disabled' then drip.reason_sentence('device_disabled')
    when d.status = 'needs_attention' then drip.reason_sentence('device_attention')
    when d.status = 'offline' then drip.reason_sentence('device_offline')
    when p.breaker_open_until > drip.now() then drip.reason_sentence('breaker_open')
    when coalesce(q.due, 0) = 0 then 'Nothing is due.'
    else 'It is sending.'
  end as state
from drip.user_devices d
join drip.users u on u.id = d.user_id
left join drip.device_pacing p on p.device_id = d.id
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
) b on b.device_id = d.id;
comment on view drip.device_overview is
  'Grain: device (device_id). Its state, its queue and its pace.';
comment on column drip.device_overview.user_id is 'Tenant.';
comment on column drip.device_overview.device_id is 'Key of the row.';
comment on column drip.device_overview.device_name is 'Its name.';
comment on column drip.device_overview.platform is
  'gowa, cloud_api, waha, evolution, wablas or whacenter.';
comment on column drip.device_overview.phone is 'Its own number; masked without drip_pii.';
comment on column drip.device_overview.status is 'online, offline, needs_attention or disabled.';
comment on column drip.device_overview.status_reason is 'What its sender said.';
comment on column drip.device_overview.status_since is 'Since when.';
comment on column drip.device_overview.last_seen is 'Last time its sender answered a check.';
comment on column drip.device_overview.min_delay_seconds is
  'Shortest pause between two messages, in seconds.';
comment on column drip.device_overview.max_delay_seconds is 'Longest pause, in seconds.';
comment on column drip.device_overview.burst is 'Most messages in flight.';
comment on column drip.device_overview.daily_cap is 'Most sends per local day.';
comment on column drip.device_overview.sent_today is 'Real sends of the tenant''s local day.';
comment on column drip.device_overview.pending is 'Messages that wait for it.';
comment on column drip.device_overview.due is 'Those whose time has come.';
comment on column drip.device_overview.processing is 'Messages in flight.';
comment on column drip.device_overview.next_due_at is 'Time of the next one.';
comment on column drip.device_overview.may_send_at is
  'Its pace and its breaker let it send from then.';
comment on column drip.device_overview.breaker_open_until is
  'Until when its circuit breaker rests it.';
comment on column drip.device_overview.recent_results is 'Results in the breaker''s window.';
comment on column drip.device_overview.recent_failures is 'Failures among them.';
comment on column drip.device_overview.state is 'The state in words.';
alter view drip.device_overview owner to drip_view;
grant select on drip.device_overview to drip_reader;
