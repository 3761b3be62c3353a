-- The day's count, the ramp's day, the failure window and the breaker, once per device and batch.
-- For the ramp a send counts from its claim, because the verdict allowed it then.
create function drip._pace_results(p_devices jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  perform
  from drip.device_pacing p
  where p.device_id = any (array(
    select (e.value ->> 'device_id')::bigint from jsonb_array_elements(p_devices) e))
  order by p.device_id
  for no key update;

  update drip.device_pacing p
  set next_look_at = v_now,
    next_send_at = greatest(p.next_send_at, v_now + r.wait),
    local_day = t.today,
    sent_today = greatest(
      drip._sent_today(p.local_day, p.sent_today, t.today) + r.sent, 0),
    last_sent_at = greatest(p.last_sent_at, r.sent_at),
    ramp_of = d.ramp_started_on,
    ramp_from = case
      when d.ramp is null then null
      -- closed again: days with an open or half-open breaker do not count
      when n.heals then y.first_day + greatest(
        t.today - greatest(coalesce(o.breaker_since, t.today), y.first_day), 0)
      else y.first_day
    end,
    window_started_at = case when w.is_new then v_now else p.window_started_at end,
    window_results = case when n.opens or n.heals then 0 else n.results end,
    window_failures = case when n.opens or n.heals then 0 else n.failures end,
    breaker_open_until = case
      when n.opens then greatest(
        p.breaker_open_until,
        v_now + r.rest,
        case
          when n.trips then v_now + interval '15 minutes' * power(2, least(p.breaker_level, 5))
        end)
      else p.breaker_open_until
    end,
    breaker_level = case
      when n.opens then p.breaker_level + 1 when n.heals then 0 else p.breaker_level end,
    breaker_since = case
      when n.opens or (p.breaker_level > 0 and not n.heals)
        then coalesce(p.breaker_since, t.today)
    end
  from jsonb_to_recordset(p_devices) as r (
    device_id bigint, results integer, failures integer, sent integer, sent_at timestamptz,
    wait interval, rest interval)
  join drip.user_devices d on d.id = r.device_id
  join drip.users u on u.id = d.user_id
  cross join lateral (select (v_now at time zone u.time_zone)::date as today) t
  join drip.device_pacing o on o.device_id = r.device_id
  cross join lateral (
    select drip._ramp_first_day(d.ramp_started_on, o.ramp_from, o.ramp_of) as first_day
  ) x
  cross join lateral (
    select case
      when r.sent_at >= drip._ramp_restarts_at(u.time_zone, x.first_day, o.last_sent_at)
        then (r.sent_at at time zone u.time_zone)::date
      else x.first_day
    end as first_day
  ) y
  cross join lateral (
    -- half-open until it has failed or closed: a slow device would never reach its hourly sample
    select coalesce(
      o.breaker_level = 0 and o.window_started_at < v_now - interval '1 hour',
      o.window_started_at is null) as is_new
  ) w
  cross join lateral (
    select q.results, q.failures, q.trips, q.heals, q.trips or r.rest is not null as opens
    from (
      select
        s.results,
        s.failures,
        -- half-open, a fifth of the sample decides
        s.results >= case
          when o.breaker_level > 0 then greatest(u.breaker_sample / 5, 1) else u.breaker_sample
        end and s.failures >= s.results * u.breaker_rate as trips,
        o.breaker_level > 0 and r.rest is null and s.results >= u.breaker_sample
          and s.failures < s.results * u.breaker_rate as heals
      from (
        select
          case when w.is_new then 0 else o.window_results end + r.results as results,
          case when w.is_new then 0 else o.window_failures end + r.failures as failures
      ) s
    ) q
  ) n
  where p.device_id = r.device_id;
end
$$;
comment on function drip._pace_results(jsonb) is
  'Adds results [{device_id, results, failures, sent, sent_at, wait, rest}] to the devices'' pacing
   rows; rest opens the breaker for that long.';
