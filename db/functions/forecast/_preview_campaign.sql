-- schedule_campaign returns the same numbers as the preview.
create function drip._preview_campaign(p_campaign drip.campaigns, p_policy text)
returns table (
  place integer, kind text, subject text, reason text, sentence text, messages bigint,
  first_at timestamptz, ends_at timestamptz, evidence jsonb)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_others constant bigint := 200000;
  c_until constant timestamptz := drip.now() + interval '400 days';
  v_rows jsonb;
begin
  v_rows := drip._campaign_forecast(p_campaign, p_policy, c_others, c_until);
  return query
    with facts as materialized (
      select f.*
      from jsonb_to_recordset(v_rows -> 'facts') as f (
        device_id bigint, priority smallint, is_own boolean, fate text, reason text, day date,
        messages bigint, first_at timestamptz, last_at timestamptz)
    ),
    devices as materialized (
      select
        d.id, d.name, d.status,
        case when j.verdict = 'wait' and j.until is null then j.reason end as held
      from drip.user_devices d
      join drip._device_verdicts j on j.device_id = d.id
      where d.id in (select f.device_id from facts f where f.is_own)
    ),
    own as materialized (
      select
        f.device_id, f.day, f.messages, f.first_at, f.last_at, d.held,
        case when d.held is not null and f.fate in ('leaves', 'left', 'expires') then 'waits'
          else f.fate end as fate,
        case when d.held is not null and f.fate in ('leaves', 'left', 'expires') then d.held
          else f.reason end as reason
      from facts f
      left join devices d on d.id = f.device_id
      where f.is_own and f.fate <> 'due'
    ),
    by_device as materialized (
      select
        d.id, d.name, d.held, d.status,
        sum(o.messages) as messages,
        min(o.first_at) filter (where o.fate = 'leaves') as first_at,
        max(o.last_at) filter (where o.fate = 'leaves') as ends_at,
        max(o.last_at) filter (where d.held is not null and o.day is not null) as ends_if_mended,
        max(o.day) as last_day
      from devices d
      join own o on o.device_id = d.id
      group by d.id, d.name, d.held, d.status
    ),
    totals as materialized (
      select
        coalesce(sum(o.messages), 0) as messages,
        coalesce(sum(o.messages) filter (where o.fate = 'excluded'), 0) as excluded,
        coalesce(sum(o.messages) filter (where o.reason = 'suppressed'), 0) as suppressed,
        coalesce(sum(o.messages) filter (where o.reason = 'campaign_device_limit'), 0) as limited,
        coalesce(sum(o.messages) filter (where o.fate = 'expires'), 0) as expired,
        coalesce(sum(o.messages) filter (where o.fate = 'left'), 0) as too_late,
        coalesce(sum(o.messages) filter (where o.reason = 'outside_window'), 0) as closed,
        coalesce(sum(o.messages) filter (where o.reason = 'no_device'), 0) as homeless,
        coalesce(sum(o.messages) filter (where o.fate in ('leaves', 'expires', 'left')), 0)
          as to_leave,
        min(o.first_at) filter (where o.fate = 'leaves') as first_at,
        max(o.last_at) filter (where o.fate = 'leaves') as ends_at
      from own o
    )
    select
      1, 'audience', p_campaign.title, null::text,
      case
        when t.messages = 0 then 'The audience is empty now.'
        when t.ends_at is null then 'No message would leave.'
        else 'The last message leaves at ends_at.'
      end,
      t.messages::bigint, t.first_at, t.ends_at,
      jsonb_build_object(
        'scheduled_at', p_campaign.scheduled_at, 'valid_for', p_campaign.valid_for,
        'per_device_limit', p_campaign.per_device_limit)
    from totals t
    union all
    select
      (10 * p.place + row_number() over (partition by p.place order by o.reason))::integer,
      o.fate, null, o.reason, coalesce(drip.reason_sentence(o.reason), p.sentence),
      sum(o.messages)::bigint, min(o.first_at) filter (where o.fate = 'leaves'),
      max(o.last_at) filter (where o.fate = 'leaves'), null
    from own o
    join (
      values
        ('excluded', 1, 'They get no message.'), ('done', 2, 'They are planned and done.'),
        ('drops', 3, 'They are cancelled at their turn.'), ('waits', 4, 'They wait.'),
        ('expires', 5, 'They expire.'), ('left', 6, 'They do not leave within 400 days.'),
        ('leaves', 7, 'They leave, if every send succeeds.')
    ) as p (fate, place, sentence) on p.fate = o.fate
    group by o.fate, o.reason, p.place, p.sentence
    union all
    select
      (100 + row_number() over (order by b.ends_at desc nulls last, b.name))::integer,
      'device', b.name, b.held,
      coalesce(drip.reason_sentence(b.held), case
        when b.ends_at is null then 'No message leaves from this device.'
        else 'It has sent its part by ends_at.'
      end),
      b.messages::bigint, b.first_at, b.ends_at,
      jsonb_strip_nulls(jsonb_build_object(
        'device_id', b.id, 'status', b.status, 'ends_if_mended', b.ends_if_mended,
        'leaves', (
          select sum(o.messages) from own o where o.device_id = b.id and o.fate = 'leaves'),
        'before_it', (
          select jsonb_object_agg(q.class, q.messages)
          from (
            select
              (array['single', 'drip', 'campaign'])[f.priority] as class,
              sum(f.messages) as messages
            from facts f
            where f.device_id = b.id and not f.is_own and f.fate = 'leaves'
              and f.day <= b.last_day
            group by f.priority
          ) q),
        'min_seconds', greatest(d.min_delay_seconds, p_campaign.min_delay_seconds),
        'max_seconds', greatest(
          d.min_delay_seconds, p_campaign.min_delay_seconds, d.max_delay_seconds,
          p_campaign.max_delay_seconds),
        'daily_cap', d.daily_cap, 'ramp', d.ramp,
        'active_from', d.active_from, 'active_to', d.active_to,
        'send_from', p.window_from, 'send_to', p.window_to, 'send_days', p.window_days))
    from by_device b
    join drip.user_devices d on d.id = b.id
    join drip.users u on u.id = d.user_id
    cross join lateral drip._program_window(
      p_campaign.send_from, p_campaign.send_to, p_campaign.send_days, null, null, null, false,
      u.send_from, u.send_to, u.send_days) p
    union all
    select
      (1000 + row_number() over (order by o.day))::integer, 'day', to_char(o.day, 'YYYY-MM-DD'),
      null,
      'This many leave on this day.', sum(o.messages)::bigint, min(o.first_at), max(o.last_at), null
    from own o
    where o.fate = 'leaves'
    group by o.day
    union all
    select
      2030, 'warning', null, 'too_long',
      format(
        '%s has at least %s characters; %s takes %s: it fails on these devices', l.path, l.length,
        l.platforms, l.characters),
      null, null, null, null
    from drip._campaign_texts(p_campaign) v
    cross join lateral drip._long_texts(
      p_campaign.user_id, p_campaign.devices, p_campaign.message_type, v.message, v.caption,
      v.path, 'message') l
    where not l.is_everywhere
    union all
    select
      2020, 'warning', null, 'unfilled',
      format(
        '%s %s empty for %s of the audience: give it a fallback such as {name|friend}',
        f.placeholders, case when f.placeholders ~ '}.*}' then 'stay' else 'stays' end, f.leads),
      f.leads, null, null, null
    from drip._unfilled_leads(p_campaign) f
    union all
    select
      (2000 + w.place)::integer, 'warning', null, w.code, w.sentence, w.messages, null, null, null
    from totals t
    cross join (
      select count(*) as devices, count(*) filter (where b.status = 'online') as online
      from by_device b
    ) n
    cross join (
      select jsonb_object_agg(q.account_id, q.messages) as messages
      from (
        select d.account_id, sum(o.messages) as messages
        from own o
        join drip.user_devices d on d.id = o.device_id
        where d.account_id is not null and o.fate in ('leaves', 'expires', 'left')
        group by d.account_id
      ) q
    ) a
    cross join lateral drip._campaign_warnings(
      p_campaign, p_policy, to_jsonb(t), n.devices, n.online, a.messages,
      v_rows -> 'too_many') w;
end
$$;
comment on function drip._preview_campaign(drip.campaigns, text) is
  'The rows of preview_campaign; schedule_campaign returns the same.';

-- What a person should know before scheduling. p_totals: its messages by what becomes of them;
-- p_of_accounts: those that leave, {account: messages}; p_too_many: campaigns not counted.
create function drip._campaign_warnings(
  p_campaign drip.campaigns, p_policy text, p_totals jsonb, p_devices bigint, p_online bigint,
  p_of_accounts jsonb, p_too_many jsonb)
returns table (place integer, code text, sentence text, messages bigint)
language sql stable
as $$
  select w.place, w.code, w.sentence, w.messages::bigint
  from jsonb_to_record(p_totals) as t (
    messages bigint, excluded bigint, suppressed bigint, limited bigint, expired bigint,
    too_late bigint, closed bigint, homeless bigint, to_leave bigint)
  join drip.users u on u.id = p_campaign.user_id
  cross join (
    select
      sum(o.value::bigint) as messages,
      string_agg(
        format('the reach_cap (%s) of %s', a.reach_cap, quote_literal(a.name)), ' and '
        order by a.name) as caps
    from jsonb_each_text(p_of_accounts) as o (account_id, value)
    join drip.sender_accounts a on a.id = o.account_id::bigint
    where a.reach_cap is not null
  ) a
  cross join lateral (
    values
      (1, 'audience_empty', t.messages = 0, 'the audience is empty now', 0),
      (2, 'all_excluded', t.messages > 0 and t.excluded = t.messages, case
        when t.suppressed = t.messages then 'everybody in the audience has opted out'
        else 'everybody in the audience is excluded' end, t.excluded),
      (3, 'no_device', t.homeless > 0, case
        when p_devices = 0 then 'there is no device to send it'
        else 'a part of the audience has no device' end, t.homeless),
      (4, 'no_device_online', p_devices > 0 and p_online = 0,
        'none of its devices is online', null),
      (5, 'campaign_paused', p_campaign.status in ('paused', 'failed'), format(
        'it is %s: the times are as if it were resumed now by %s', p_campaign.status, p_policy),
        null),
      (6, 'campaign_device_limit', t.limited > 0,
        'per_device_limit leaves a part of the audience without a message', t.limited),
      (7, 'expired', t.expired > 0,
        'valid_for ends before the estimated end: the rest expires', t.expired),
      (8, 'outside_window', t.closed > 0, 'its days and hours never come', t.closed),
      (9, 'too_late', t.too_late > 0, 'a part does not leave within 400 days', t.too_late),
      (10, 'contact_rules',
        p_campaign.category = 'marketing' and t.to_leave > 0
          and (u.contact_gap is not null or u.contact_cap is not null),
        format(
          '%s may delay up to %s of its messages; the times ignore that',
          concat_ws(
            ' and ',
            'contact_gap (' || u.contact_gap || ')',
            'contact_cap (' || u.contact_cap || ' in ' || u.contact_cap_period || ')'),
          t.to_leave),
        t.to_leave),
      (11, 'account_cap', a.messages > 0, format(
        '%s may delay up to %s of its messages; the times ignore that', a.caps, a.messages),
        a.messages),
      (12, 'others_not_counted', p_too_many <> '[]', format(
        'other campaigns that are to be planned are too large to be counted: %s', (
          select string_agg(quote_literal(c.title), ', ' order by c.id)
          from drip.campaigns c
          where c.id in (
            select e.value::bigint from jsonb_array_elements_text(p_too_many) e))),
        null)
  ) as w (place, code, holds, sentence, messages)
  where w.holds
$$;
comment on function drip._campaign_warnings(
  drip.campaigns, text, jsonb, bigint, bigint, jsonb, jsonb) is
  'The warnings of preview_campaign, each with the number of messages concerned.';

create function drip._campaign_forecast(
  p_campaign drip.campaigns, p_policy text, p_others bigint, p_until timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_plan record;
begin
  v_plan := drip._place_campaigns(
    p_campaign.user_id,
    array(
      select q.campaign
      from drip.campaigns c
      cross join lateral (
        select case when c.id = p_campaign.id then p_campaign else c end as campaign
      ) q
      where c.user_id = p_campaign.user_id and c.expanded_at is null
        and (c.id = p_campaign.id or c.status in ('pending', 'triggered'))
      order by coalesce(drip._expands_at(q.campaign), v_now), (q.campaign).scheduled_at, c.id),
    p_campaign.id, p_others);
  return (
    with planned as materialized (
      select k.*
      from unnest(v_plan.campaigns, v_plan.leads, v_plan.placed, v_plan.reasons)
        with ordinality as k (campaign_id, lead_id, device_id, reason, place)
    ),
    chosen as materialized (
      select
        array_agg(p.campaign_id order by p.place) as campaigns,
        array_agg(p.lead_id order by p.place) as leads,
        array_agg(p.device_id order by p.place) as placed
      from planned p
      where p.reason is null
    ),
    own_devices as (
      select distinct p.device_id
      from planned p
      where p.campaign_id = p_campaign.id and p.device_id is not null
      union
      select distinct m.device_id
      from drip.broadcast_messages m
      where m.campaign_id = p_campaign.id and m.status = 'pending' and m.device_id is not null
    ),
    rows as (
      select
        case when f.fate <> 'excluded' then f.device_id end as device_id, f.priority,
        f.campaign_id is not distinct from p_campaign.id as is_own,
        f.fate, f.reason, f.day, f.messages, f.first_at, f.last_at
      from chosen c
      cross join lateral drip._forecast_devices(
        p_campaign.user_id, array(select o.device_id from own_devices o), c.campaigns, c.leads,
        c.placed, p_until, p_campaign, p_policy) f
      where f.campaign_id = p_campaign.id
        or f.device_id in (select o.device_id from own_devices o)
      union all
      select
        null, p_campaign.priority, true, 'excluded', p.reason, null, count(*), null, null
      from planned p
      where p.campaign_id = p_campaign.id and p.reason is not null
      group by p.reason
      union all
      select
        null, p_campaign.priority, true,
        case m.status when 'pending' then 'waits' when 'skipped' then 'excluded' else 'done' end,
        case m.status
          when 'pending' then 'no_device' when 'skipped' then m.status_reason else m.status end,
        null, count(*), null, null
      from drip.broadcast_messages m
      where m.campaign_id = p_campaign.id
        and (m.status <> 'pending' or m.device_id is null)
      group by 4, 5
    )
    select jsonb_build_object(
      'too_many', to_jsonb(v_plan.too_many),
      'facts', coalesce((select jsonb_agg(to_jsonb(r)) from rows r), '[]')));
end
$$;
comment on function drip._campaign_forecast(drip.campaigns, text, bigint, timestamptz) is
  'What becomes of all of a campaign''s messages, and of others on its devices; as JSON.';
