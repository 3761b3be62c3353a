-- The facts that each rule uses, in the order of the verdict, readable for a person. It judges
-- nothing: only the judge decides whether a rule stops the message.
create function drip._list_rules(p_message_id bigint)
returns table (place integer, rule text, is_set boolean, evidence jsonb)
language sql stable
as $$
  select
    -- in the order of the list
    row_number() over ()::integer,
    r.rule,
    coalesce(r.is_set, false),
    r.evidence
  from drip._message_evidence f
  join drip.users u on u.id = f.user_id
  join drip.leads l on l.id = f.lead_id
  left join drip.user_devices d on d.id = f.device_id
  left join drip.device_pacing dp on dp.device_id = f.device_id
  left join drip.sender_accounts a on a.id = f.account_id
  left join drip.campaigns c on c.id = f.campaign_id
  left join drip.sequences s on s.id = f.sequence_id
  left join drip.sequence_contacts e on e.id = f.enrollment_id
  left join lateral (
    select jsonb_build_object(
        'category', k.category, 'reason', k.reason, 'source', k.source,
        'since', k.created_at, 'since_local', drip._tell_time(k.created_at, f.user_zone)) as found
    from drip.suppressions k
    where k.user_id = f.user_id and k.phone_key = l.phone_key
    order by drip._stop_rank(k.category)
    limit 1
  ) sp on true
  left join lateral (
    select jsonb_build_object(
        'step', ps.day_number, 'message_id', p.id, 'status', p.status,
        'scheduled_at', p.scheduled_at, 'finished_at', p.finished_at,
        'finished_local', drip._tell_time(p.finished_at, f.zone)) as found
    from drip.broadcast_messages p
    join drip.sequence_steps ps on ps.id = p.sequence_stepid
    where p.sequence_contact_id = f.enrollment_id and ps.day_number < f.day_number
    order by p.status in ('pending', 'processing') desc, ps.day_number desc
    limit 1
  ) before on true
  left join lateral (
    select
      max(x.at) as last_at,
      count(*) filter (where x.at > f.now - drip._exactly(f.contact_cap_period)) as messages
    from (
      select coalesce(x.sent_at, x.finished_at, f.now) as at
      from drip.broadcast_messages x
      where x.lead_id = f.lead_id
        and x.id <> f.message_id
        and drip._counts_for_contact(x.category, x.is_test, x.status)
    ) x
    where f.contact_gap is not null or f.contact_cap is not null
  ) contact on true
  left join lateral (
    select count(*) as leads
    from drip.account_reach ar
    where ar.account_id = f.account_id
      and f.reach_cap is not null
      and ar.last_sent_at > f.now - interval '24 hours'
  ) reach on true
  cross join lateral (
    select
      drip._tell_time(f.now, f.zone) as here,
      drip._tell_time(f.now, f.user_zone) as at_home,
      f.has_window and (f.window_from is not null or f.window_days is not null) as has_window,
      coalesce(f.account_status is not null, false) as has_account
  ) x
  cross join lateral (
    values
      ('campaign_cancelled', f.campaign_id is not null, jsonb_build_object(
        'campaign', c.title, 'campaign_id', c.id, 'status', c.status)),
      ('enrollment_finished', f.enrollment_id is not null, jsonb_build_object(
        'sequence', s.name, 'sequence_status', s.status, 'enrollment_id', e.id,
        'status', e.status, 'exit_reason', e.exit_reason, 'ended_at', e.completed_at)),
      ('suppressed', true, sp.found),
      ('sequence_paused', f.sequence_id is not null, jsonb_build_object(
        'sequence', s.name, 'sequence_id', s.id, 'status', s.status,
        'status_reason', s.status_reason)),
      ('campaign_paused', f.campaign_id is not null, jsonb_build_object(
        'campaign', c.title, 'campaign_id', c.id, 'status', c.status,
        'status_reason', c.status_reason, 'is_being_resumed', c.freed_to_lead_id is not null)),
      ('enrollment_paused', f.enrollment_id is not null, jsonb_build_object(
        'enrollment_id', e.id, 'status', e.status, 'paused_at', e.paused_at,
        'paused_local', drip._tell_time(e.paused_at, f.zone), 'reason', e.pause_reason)),
      ('lead_paused', f.lead_paused_until is not null, jsonb_build_object(
        'paused_until', f.lead_paused_until, 'reason', l.pause_reason,
        'paused_until_local', drip._tell_time(f.lead_paused_until, f.zone), 'zone', f.zone)),
      ('expired', f.expires_at is not null, jsonb_build_object(
        'expires_at', f.expires_at, 'expires_local', drip._tell_time(f.expires_at, f.zone),
        'zone', f.zone)),
      ('user_inactive', true, jsonb_build_object('tenant', u.name, 'is_active', u.is_active)),
      ('predecessor_pending', f.day_number > 1, before.found),
      ('predecessor_unknown', f.day_number > 1, before.found || jsonb_build_object(
        'unknown_hold', u.unknown_hold, 'holds_until', f.predecessor_hold_at,
        'holds_until_local', drip._tell_time(f.predecessor_hold_at, f.zone))),
      ('not_due', true, jsonb_build_object(
        'scheduled_at', f.scheduled_at, 'scheduled_local', drip._tell_time(f.scheduled_at, f.zone),
        'not_before', f.not_before, 'not_before_local', drip._tell_time(f.not_before, f.zone),
        'put_off_as', f.deferred_reason, 'spacing_until', f.predecessor_free_at,
        'spacing_until_local', drip._tell_time(f.predecessor_free_at, f.zone), 'zone', f.zone)),
      ('no_device', true, jsonb_build_object(
        'device', d.name, 'device_id', d.id, 'devices_in_pool', (
          select count(*)
          from drip.user_devices o
          where o.user_id = f.user_id and o.in_pool and o.status <> 'disabled'))),
      ('account_blocked', x.has_account, jsonb_build_object(
        'account', a.name, 'account_id', a.id, 'status', a.status,
        'status_reason', a.status_reason, 'blocked_until', a.blocked_until,
        'blocked_until_local', drip._tell_time(a.blocked_until, f.user_zone))),
      ('device_disabled', d.id is not null, jsonb_build_object(
        'device', d.name, 'status', d.status, 'status_reason', d.status_reason)),
      ('device_attention', d.id is not null, jsonb_build_object(
        'device', d.name, 'status', d.status, 'status_reason', d.status_reason)),
      ('device_offline', d.id is not null, jsonb_build_object(
        'device', d.name, 'status', d.status, 'status_reason', d.status_reason,
        'last_seen', d.last_seen)),
      ('service_window_closed', d.platform = 'cloud_api' and f.message_type <> 'template',
        jsonb_build_object(
          'platform', d.platform, 'message_type', f.message_type,
          'contact_wrote_at', f.last_inbound_at,
          'contact_wrote_local', drip._tell_time(f.last_inbound_at, f.zone), 'hours', 24)),
      ('weekend', f.has_window and f.skip_weekends, jsonb_build_object(
        'skip_weekends', f.skip_weekends, 'local_now', x.here, 'zone', f.zone,
        'opens_local', drip._tell_time(f.window_opens_at, f.zone))),
      ('outside_window', x.has_window, jsonb_build_object(
        'send_from', f.window_from, 'send_to', f.window_to, 'send_days', f.window_days,
        'local_now', x.here, 'zone', f.zone,
        'opens_local', drip._tell_time(f.window_opens_at, f.zone))),
      ('contact_gap', f.contact_gap is not null and f.has_contact_rules,
        jsonb_build_object(
          'contact_gap', f.contact_gap, 'last_message_at', contact.last_at,
          'last_message_local', drip._tell_time(contact.last_at, f.zone), 'zone', f.zone)),
      ('contact_cap', f.contact_cap is not null and f.has_contact_rules,
        jsonb_build_object(
          'contact_cap', f.contact_cap, 'contact_cap_period', f.contact_cap_period,
          'messages_in_period', contact.messages, 'last_message_at', contact.last_at,
          'last_message_local', drip._tell_time(contact.last_at, f.zone), 'zone', f.zone)),
      ('account_cap', f.reach_cap is not null, jsonb_build_object(
        'account', a.name, 'reach_cap', f.reach_cap, 'contacts_in_24_hours', reach.leads)),
      ('breaker_open', dp.device_id is not null, jsonb_build_object(
        'open_until', f.breaker_open_until,
        'open_until_local', drip._tell_time(f.breaker_open_until, f.user_zone),
        'level', dp.breaker_level, 'results', dp.window_results,
        'failures', dp.window_failures)),
      ('device_closed_hours', f.active_from is not null, jsonb_build_object(
        'active_from', f.active_from, 'active_to', f.active_to, 'local_now', x.at_home,
        'zone', f.user_zone, 'opens_local', drip._tell_time(f.device_opens_at, f.user_zone))),
      ('ramp', f.ramp_cap is not null, jsonb_build_object(
        'cap_today', f.ramp_cap, 'used_today', f.used_today, 'local_now', x.at_home,
        'zone', f.user_zone, 'next_day_local', drip._tell_time(f.next_day_at, f.user_zone))),
      ('device_cap', f.daily_cap is not null, jsonb_build_object(
        'daily_cap', f.daily_cap, 'used_today', f.used_today, 'local_now', x.at_home,
        'zone', f.user_zone, 'next_day_local', drip._tell_time(f.next_day_at, f.user_zone))),
      ('device_pacing', d.max_delay_seconds > 0 or f.program_max_seconds > 0,
        jsonb_build_object(
          'next_send_at', f.next_send_at,
          'next_send_local', drip._tell_time(f.next_send_at, f.user_zone),
          'min_seconds', greatest(f.device_min_seconds, f.program_min_seconds),
          'max_seconds', greatest(
            f.device_min_seconds, f.program_min_seconds, f.device_max_seconds,
            f.program_max_seconds))),
      ('guard_error', num_nonnulls(f.exit_if, f.only_if) > 0, jsonb_build_object(
        'exit_if', f.exit_if, 'only_if', f.only_if, 'asked_again_at', f.guard_until,
        'asked_again_local', drip._tell_time(f.guard_until, f.zone), 'zone', f.zone))
  ) r (rule, is_set, evidence)
  where f.message_id = p_message_id
$$;
comment on function drip._list_rules(bigint) is
  'Every rule of the verdict in its order for one pending message: whether it is set, and its
   facts.';
