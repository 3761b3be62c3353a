-- Why does a device not send, and when will it? Its own rules by the claim's judge, then the first
-- message of each class with its verdict, and the backlog.
create function drip.explain_device(p_device text)
returns table (
  place integer, subject text, status text, verdict text, reason text, sentence text,
  messages bigint, earliest timestamptz, evidence jsonb, remedy text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_device constant drip.user_devices := drip._find_device(p_device);
  v_facts constant jsonb := drip._device_facts(v_device.id);
  v_lifted jsonb := v_facts;
  v_judged record;
  v_held jsonb := '{}';
  v_first text;
begin
  perform drip._require_role('drip_app');
  loop
    select j.verdict, j.reason, j.until into v_judged from drip._judge_facts(v_lifted) j;
    exit when v_judged.reason is null or v_held ? v_judged.reason;
    v_first := coalesce(v_first, v_judged.reason);
    v_held := v_held || jsonb_build_object(
      v_judged.reason,
      jsonb_build_object('verdict', v_judged.verdict, 'until', v_judged.until));
    v_lifted := drip._lift_rule(v_lifted, v_judged.reason);
    exit when v_lifted is null;
  end loop;
  return query
    with rules as (
      select
        l.place, l.subject, l.status, l.is_set, l.evidence,
        (select h.key
         from jsonb_each(v_held) h
         where h.key = any (l.reasons)
         limit 1) as reason
      from drip._list_device_rules(v_device, v_facts) l
    ),
    heads as (
      select h.class, h.priority, q.*
      from (values (1, 'single'), (2, 'drip'), (3, 'campaign')) as h (priority, class)
      cross join lateral (
        select b.id
        from drip.broadcast_messages b
        where b.device_id = v_device.id and b.status = 'pending' and b.priority = h.priority
        order by b.due_at, b.id
        limit 1
      ) m
      cross join lateral drip.explain_message(m.id) q
    ),
    backlog as (
      select f.verdict, f.reason, count(*) as messages, min(f.until) as until,
        min(f.message_id) as example_id
      from drip._message_facts f
      where f.device_id = v_device.id
      group by f.verdict, f.reason
    )
    select
      r.place, r.subject, r.status,
      coalesce(v_held -> r.reason ->> 'verdict', case when r.is_set then 'go' else 'off' end),
      r.reason,
      coalesce(drip.reason_sentence(r.reason), case
        when r.is_set then 'It does not stop the device.'
        else 'It is not set.'
      end),
      null::bigint,
      (v_held -> r.reason ->> 'until')::timestamptz,
      jsonb_strip_nulls(r.evidence),
      drip._device_remedy(v_device.id, r.reason)
    from rules r
    union all
    select
      20 + h.priority, 'head of class ' || h.priority, h.status, h.verdict, h.reason,
      format('Message %s (%s): %s', h.message_id, h.source, h.sentence),
      null::bigint, h.earliest,
      jsonb_build_object(
        'message_id', h.message_id, 'class', h.class, 'scheduled_at', h.scheduled_at,
        'scheduled_local', drip._tell_time(h.scheduled_at, v_facts ->> 'user_zone')),
      h.remedy
    from heads h
    union all
    select
      (30 + row_number() over (order by b.messages desc, b.reason))::integer,
      'backlog', 'pending', b.verdict, b.reason,
      coalesce(drip.reason_sentence(b.reason), 'They may go now; the device sends them next.'),
      b.messages,
      case b.verdict when 'go' then drip.now() when 'wait' then b.until end,
      jsonb_build_object('example_message_id', b.example_id),
      drip._remedy(b.example_id, b.reason)
    from backlog b
    union all
    select
      100, 'next send', v_device.status,
      case when x.earliest <= drip.now() then 'go' else 'wait' end,
      case when x.earliest <= drip.now() then null else coalesce(v_first, x.reason) end,
      case
        when b.messages is null then 'It has no pending messages.'
        when x.earliest is null then 'The time of its next send is unknown.'
        else format(
          'It may send next at %s (%s).',
          drip._tell_time(x.earliest, v_facts ->> 'user_zone'), v_facts ->> 'user_zone')
      end,
      coalesce(b.messages, 0), x.earliest, null::jsonb,
      case
        when x.earliest <= drip.now() then null
        else coalesce(
          drip._device_remedy(v_device.id, v_first), case when x.earliest is null then x.remedy end)
      end
    from (select sum(b.messages)::bigint as messages from backlog b) b
    cross join lateral (
      select
        min(h.earliest) as earliest,
        (array_agg(h.reason order by h.earliest, h.priority))[1] as reason,
        (array_agg(h.remedy order by h.remedy is null, h.priority))[1] as remedy
      from heads h
    ) x
    order by 1;
end
$$;
comment on function drip.explain_device(text) is
  'What decides whether a device sends, in the order of the claim: a row for each of its rules (go,
   wait, or off where it is not set), the first message of each class in its queue, its backlog by
   reason (messages counts them; they sum up to all pending ones), and the next send.';
grant execute on function drip.explain_device(text) to drip_app;

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
