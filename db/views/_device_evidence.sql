-- The facts about each device that the verdict judges, a column each. Messages take all of them
-- (_message_evidence), explanations and forecasts of the device too, so that none of them knows a
-- rule that the others do not. Unset rules skip their subquery; a column that nobody reads costs
-- nothing. It belongs to the owner, so it shows every tenant, and readers filter by device.
create view drip._device_evidence as
select
  d.id as live_device_id,
  d.platform,
  d.status as device_status,
  d.min_delay_seconds as device_min_seconds,
  d.max_delay_seconds as device_max_seconds,
  d.burst,
  d.daily_cap is not null or d.ramp is not null as is_capped,
  a.id as account_id,
  a.status as account_status,
  a.blocked_until as account_blocked_until,
  a.reach_cap,
  x.account_full_until,
  dp.breaker_open_until,
  d.active_from,
  d.active_to,
  x.device_opens_at,
  x.next_day_at,
  x.used_today,
  d.daily_cap,
  x.ramp_cap,
  dp.next_send_at,
  -- for people, and for forecasts
  x.ramp_day,
  x.in_flight,
  dp.breaker_level,
  -- before it the device sends nothing, whatever its queue; hours and caps come and go with the day
  greatest(dp.next_send_at, dp.breaker_open_until, a.blocked_until) as device_free_at
from drip.user_devices d
join drip.users u on u.id = d.user_id
left join drip.device_pacing dp on dp.device_id = d.id
left join drip.sender_accounts a on a.id = d.account_id
cross join lateral (
  select
    drip.now() as now,
    case
      when d.ramp is not null
        then drip._ramp_first_day(d.ramp_started_on, dp.ramp_from, dp.ramp_of)
    end as first_day
  offset 0
) f
cross join lateral (
  select
    case
      when a.reach_cap is not null then (
        select min(y.until)
        from (
          select r.last_sent_at + interval '24 hours' as until
          from drip.account_reach r
          where r.account_id = a.id
            and r.last_sent_at > f.now - interval '24 hours'
          union all
          -- a message in flight takes a place until its result is recorded
          select distinct on (o.lead_id) f.now + interval '1 minute' as until
          from drip.user_devices od
          join drip.broadcast_messages o on o.device_id = od.id and o.status = 'processing'
          where od.account_id = a.id
            and not exists (
              select
              from drip.account_reach r
              where r.account_id = a.id
                and r.lead_id = o.lead_id
                and r.last_sent_at > f.now - interval '24 hours')
        ) y
        having count(*) >= a.reach_cap)
    end as account_full_until,
    case
      when d.active_from is not null
        then drip._window_opens_at(
          f.now, u.time_zone, d.active_from, d.active_to, null, false)
    end as device_opens_at,
    case
      when d.daily_cap is not null or d.ramp is not null
        then drip._sent_today(
          dp.local_day, dp.sent_today, (f.now at time zone u.time_zone)::date) + (
          select count(*)::integer
          from drip.broadcast_messages b
          where b.device_id = d.id and b.status = 'processing')
    end as used_today,
    case
      when d.daily_cap is not null or d.ramp is not null
        then ((f.now at time zone u.time_zone)::date + 1)::timestamp at time zone u.time_zone
    end as next_day_at,
    case when d.ramp is not null then d.ramp[n.day] end as ramp_cap,
    case when d.ramp is not null then n.day end as ramp_day,
    (select count(*)::integer
     from drip.broadcast_messages b
     where b.device_id = d.id and b.status = 'processing') as in_flight
  from (
    select drip._ramp_day(
      f.now, u.time_zone, f.first_day,
      drip._ramp_restarts_at(u.time_zone, f.first_day, dp.last_sent_at),
      dp.breaker_since) as day
  ) n
  offset 0
) x;
comment on view drip._device_evidence is
  'Grain: device (live_device_id). The facts by which its messages are judged, for all tenants;
   private.';
grant select on drip._device_evidence to drip_view;
