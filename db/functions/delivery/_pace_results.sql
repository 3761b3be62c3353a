-- The day's count, the failure window and the breaker, once per device and batch.
create function drip._pace_results(p_devices jsonb) returns void
language plpgsql volatile
set search_path = ''
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
      case when p.local_day = t.today then p.sent_today else 0 end + r.sent, 0),
    window_started_at = case when w.is_new then v_now else p.window_started_at end,
    window_results = case when n.trips or n.heals then 0 else n.results end,
    window_failures = case when n.trips or n.heals then 0 else n.failures end,
    breaker_open_until = case
      when n.trips then v_now + interval '15 minutes' * power(2, least(p.breaker_level, 5))
      else p.breaker_open_until
    end,
    breaker_level = case
      when n.trips then p.breaker_level + 1 when n.heals then 0 else p.breaker_level end
  from jsonb_to_recordset(p_devices) as r (
    device_id bigint, results integer, failures integer, sent integer, wait interval)
  join drip.user_devices d on d.id = r.device_id
  join drip.users u on u.id = d.user_id
  cross join lateral (select (v_now at time zone u.time_zone)::date as today) t
  join drip.device_pacing o on o.device_id = r.device_id
  cross join lateral (
    select coalesce(o.window_started_at < v_now - interval '1 hour', true) as is_new
  ) w
  cross join lateral (
    select
      q.results,
      q.failures,
      -- after an opening, a fifth of the sample decides: a half-open breaker is on trial
      q.results >= case
        when o.breaker_level > 0 then greatest(u.breaker_sample / 5, 1) else u.breaker_sample
      end and q.failures >= q.results * u.breaker_rate as trips,
      o.breaker_level > 0 and q.results >= u.breaker_sample
        and q.failures < q.results * u.breaker_rate as heals
    from (
      select
        case when w.is_new then 0 else o.window_results end + r.results as results,
        case when w.is_new then 0 else o.window_failures end + r.failures as failures
    ) q
  ) n
  where p.device_id = r.device_id;
end
$$;
comment on function drip._pace_results(jsonb) is
  'Books results [{device_id, results, failures, sent, wait}] on the devices'' pacing rows.';
