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
  v_facts constant jsonb := (
    select v.facts from drip._device_verdicts v where v.device_id = v_device.id);
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
    with listed as materialized (
      select l.* from drip._list_device_rules(v_device, v_facts) l
    ),
    rules as (
      select
        l.place, l.subject, l.status, l.is_set, l.evidence,
        (select h.key
         from jsonb_each(v_held) h
         where h.key = any (l.reasons)
         limit 1) as reason
      from listed l
      union all
      -- what has no row in the list is shown with the facts that it goes by
      select
        10 + row_number() over (order by h.key)::integer, h.key, null, true, (
          select jsonb_object_agg(f.fact, v_facts -> f.fact)
          from jsonb_object_keys(drip._reasons() -> h.key -> 'lift') as f (fact)),
        h.key
      from jsonb_each(v_held) h
      where not exists (select from listed l where h.key = any (l.reasons))
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
      drip._standing_remedy(r.reason, v_device.user_id, v_device.id)
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
          drip._standing_remedy(v_first, v_device.user_id, v_device.id),
          case when x.earliest is null then x.remedy end)
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
