-- The facts of a device alone, equal to those of _message_evidence for a message that nothing else
-- stops (a test compares them), so that the judge can be asked about a device without a message.
create function drip._device_facts(p_device_id bigint) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'now', n.now,
    'scheduled_at', n.now,
    'suppressed', false,
    'window_is_weekend', false,
    'service_window_closed', false,
    'user_active', u.is_active,
    'user_zone', u.time_zone,
    'live_device_id', d.id,
    'device_status', d.status,
    'account_id', a.id,
    'account_status', a.status,
    'account_blocked_until', a.blocked_until,
    'reach_cap', a.reach_cap,
    'account_cap_until', case
      when a.reach_cap is not null then (
        select min(y.until)
        from (
          select r.last_sent_at + interval '24 hours' as until
          from drip.account_reach r
          where r.account_id = a.id and r.last_sent_at > n.now - interval '24 hours'
          union all
          select distinct on (o.lead_id) n.now + interval '1 minute' as until
          from drip.user_devices od
          join drip.broadcast_messages o on o.device_id = od.id and o.status = 'processing'
          where od.account_id = a.id
            and not exists (
              select
              from drip.account_reach r
              where r.account_id = a.id
                and r.lead_id = o.lead_id
                and r.last_sent_at > n.now - interval '24 hours')
        ) y
        having count(*) >= a.reach_cap)
    end,
    'breaker_open_until', dp.breaker_open_until,
    'active_from', d.active_from,
    'active_to', d.active_to,
    'device_opens_at', case
      when d.active_from is not null then drip._window_opens_at(
        n.now, u.time_zone, d.active_from, d.active_to, null, false)
    end,
    'daily_cap', d.daily_cap,
    'used_today', case
      when d.daily_cap is not null or d.ramp is not null
        then case when dp.local_day = n.today then dp.sent_today else 0 end + n.in_flight
    end,
    'next_day_at', case
      when d.daily_cap is not null or d.ramp is not null
        then (n.today + 1)::timestamp at time zone u.time_zone
    end,
    'ramp_cap', case when d.ramp is not null then d.ramp[n.ramp_day] end,
    'next_send_at', dp.next_send_at,
    -- for people, not for the judge
    'ramp_day', case when d.ramp is not null then n.ramp_day end,
    'in_flight', n.in_flight,
    'burst', d.burst,
    'breaker_level', dp.breaker_level)
  from drip.user_devices d
  join drip.users u on u.id = d.user_id
  left join drip.device_pacing dp on dp.device_id = d.id
  left join drip.sender_accounts a on a.id = d.account_id
  cross join lateral (
    select
      drip.now() as now,
      (drip.now() at time zone u.time_zone)::date as today,
      drip._ramp_day(
        drip.now(), u.time_zone, x.first_day,
        drip._ramp_restarts_at(u.time_zone, x.first_day, dp.last_sent_at),
        dp.breaker_since) as ramp_day,
      (select count(*)::integer
       from drip.broadcast_messages b
       where b.device_id = d.id and b.status = 'processing') as in_flight
    from (
      select drip._ramp_first_day(d.ramp_started_on, dp.ramp_from, dp.ramp_of) as first_day
    ) x
    offset 0
  ) n
  where d.id = p_device_id
$$;
comment on function drip._device_facts(bigint) is
  'The facts by which the verdict judges a device, named as in _message_evidence.';
