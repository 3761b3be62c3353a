-- What concerns a device, in the order of explain_device(), with the reasons that each row stands
-- for and its facts. Reasons that no row names are shown by explain_device() itself.
create function drip._list_device_rules(p_device drip.user_devices, p_facts jsonb)
returns table (
  place integer, subject text, reasons text[], status text, is_set boolean, evidence jsonb)
language sql stable
as $$
  select r.place, r.subject, r.reasons, r.status, coalesce(r.is_set, false), r.evidence
  from jsonb_to_record(p_facts) as f (
    now timestamptz, user_zone text, account_blocked_until timestamptz, used_today integer,
    ramp_cap integer, ramp_day integer, in_flight integer, next_day_at timestamptz,
    device_opens_at timestamptz, breaker_open_until timestamptz, next_send_at timestamptz)
  join drip.users u on u.id = p_device.user_id
  left join drip.device_pacing dp on dp.device_id = p_device.id
  left join drip.sender_accounts a on a.id = p_device.account_id
  cross join lateral (
    values
      (1, 'tenant', array['user_inactive'], case when u.is_active then 'active' else 'inactive' end,
        true, jsonb_build_object('tenant', u.name)),
      (2, 'account', array['account_blocked'], a.status, a.id is not null, jsonb_build_object(
        'account', a.name, 'status_reason', a.status_reason,
        'blocked_until_local', drip._tell_time(a.blocked_until, f.user_zone))),
      (3, 'status', array['device_disabled', 'device_attention', 'device_offline'],
        p_device.status, true, jsonb_build_object(
          'status_reason', p_device.status_reason, 'last_seen', p_device.last_seen,
          'since_local', drip._tell_time(p_device.status_since, f.user_zone),
          'zone', f.user_zone)),
      (4, 'account cap', array['account_cap'], null, a.reach_cap is not null, jsonb_build_object(
        'account', a.name, 'reach_cap', a.reach_cap, 'contacts_in_24_hours', (
          select count(*)
          from drip.account_reach ar
          where ar.account_id = a.id and ar.last_sent_at > f.now - interval '24 hours'))),
      (5, 'breaker', array['breaker_open'], case
          when f.breaker_open_until > f.now then 'open'
          when dp.breaker_level > 0 then 'half-open'
          else 'closed'
        end, true, jsonb_build_object(
          'open_until_local', drip._tell_time(
            case when f.breaker_open_until > f.now then f.breaker_open_until end, f.user_zone),
          'level', dp.breaker_level, 'results', dp.window_results, 'failures', dp.window_failures,
          'opens_at_rate', u.breaker_rate, 'of_at_least', u.breaker_sample)),
      (6, 'active hours', array['device_closed_hours'], null, p_device.active_from is not null,
        jsonb_build_object(
          'active_from', p_device.active_from, 'active_to', p_device.active_to,
          'local_now', drip._tell_time(f.now, f.user_zone), 'zone', f.user_zone,
          'opens_local', drip._tell_time(f.device_opens_at, f.user_zone))),
      (7, 'ramp', array['ramp'], case when f.ramp_cap is not null then 'day ' || f.ramp_day end,
        f.ramp_cap is not null, jsonb_build_object(
          'day', f.ramp_day, 'cap_today', f.ramp_cap, 'used_today', f.used_today,
          'next_day_local', drip._tell_time(f.next_day_at, f.user_zone), 'zone', f.user_zone)),
      (8, 'daily cap', array['device_cap'], null, p_device.daily_cap is not null,
        jsonb_build_object(
          'daily_cap', p_device.daily_cap, 'used_today', f.used_today,
          'next_day_local', drip._tell_time(f.next_day_at, f.user_zone), 'zone', f.user_zone)),
      (9, 'pacing', array['device_pacing'], null, true, jsonb_build_object(
        'min_seconds', p_device.min_delay_seconds, 'max_seconds', p_device.max_delay_seconds,
        'next_send_local', drip._tell_time(f.next_send_at, f.user_zone), 'zone', f.user_zone)),
      -- no rule of the verdict: the claim takes no more messages than there are free slots
      (10, 'in flight', null::text[],
        case when f.in_flight >= p_device.burst then 'full' else 'free' end, true,
        jsonb_build_object('in_flight', f.in_flight, 'burst', p_device.burst))
  ) r (place, subject, reasons, status, is_set, evidence)
$$;
comment on function drip._list_device_rules(drip.user_devices, jsonb) is
  'The rules that concern a device, with their reasons in the verdict and their facts.';
