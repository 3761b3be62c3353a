-- What a device will send, day by day: the queue of the claim, calculated as in preview_campaign.
create function drip.forecast_device(p_device text)
returns table (
  place integer, kind text, local_day date, class text, source text, reason text, sentence text,
  messages bigint, due bigint, left_over bigint, first_at timestamptz, last_at timestamptz,
  cap integer, open_seconds bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_device constant drip.user_devices := drip._find_device(p_device);
  v_held record;
begin
  perform drip._require_role('drip_operator');
  select j.verdict, j.reason, j.until
  into v_held
  from drip._device_verdicts j
  where j.device_id = v_device.id;
  return query select r.* from drip._forecast_device(v_device, v_held.reason, v_held.until) r;
end
$$;
comment on function drip.forecast_device(text) is
  'What waits for a device, and when it leaves if every send succeeds. Kind device: all that waits,
   its first and last time, what stops the device now. Kind day: the tenant''s local day with the
   messages that leave, that become due, and that are left for the next day, the day''s cap (null =
   none) and its open seconds. Kind source: the same day by class and program. Kind waits: messages
   that need a person, by reason; drops, expires, left (not within 400 days) likewise. messages of
   day, waits, drops, expires and left sum up to that of device. Campaigns that are not planned yet
   are included as preview_campaign places them, with its precision.';
grant execute on function drip.forecast_device(text) to drip_operator;

create function drip._forecast_device(
  p_device drip.user_devices, p_reason text, p_held_until timestamptz)
returns table (
  place integer, kind text, local_day date, class text, source text, reason text, sentence text,
  messages bigint, due bigint, left_over bigint, first_at timestamptz, last_at timestamptz,
  cap integer, open_seconds bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_others constant bigint := 200000;
  v_now constant timestamptz := drip.now();
  v_user constant drip.users := (select u from drip.users u where u.id = p_device.user_id);
  v_today constant date := (v_now at time zone v_user.time_zone)::date;
  -- it needs a person first: nothing leaves until then
  v_is_held constant boolean := p_reason is not null and p_held_until is null;
begin
  return query
    with plan as materialized (
      select
        array_agg(k.campaign_id order by k.place) as campaigns,
        array_agg(k.lead_id order by k.place) as leads,
        array_agg(k.device_id order by k.place) as placed
      from drip._place_campaigns(
        v_user.id,
        array(
          select c
          from drip.campaigns c
          where c.user_id = v_user.id and c.expanded_at is null
            and c.status in ('pending', 'triggered')
          order by drip._expands_at(c), c.scheduled_at, c.id),
        null, c_others) p
      cross join lateral unnest(p.campaigns, p.leads, p.placed, p.reasons)
        with ordinality as k (campaign_id, lead_id, device_id, reason, place)
      where k.device_id = p_device.id and k.reason is null
    ),
    facts as materialized (
      select f.*, t.source, (array['single', 'drip', 'campaign'])[f.priority] as class
      from plan p
      cross join lateral drip._forecast_devices(
        v_user.id, array[p_device.id], p.campaigns, p.leads, p.placed,
        v_now + interval '400 days') f
      cross join lateral (
        select case
          when f.campaign_id is not null then 'campaign ' || (
            select c.title from drip.campaigns c where c.id = f.campaign_id)
          when f.sequence_id is not null then 'sequence ' || (
            select s.name from drip.sequences s where s.id = f.sequence_id)
          else 'single message'
        end as source
      ) t
    ),
    days as materialized (
      select
        q.day, q.leaves, q.due, q.first_at, q.last_at,
        sum(q.due - q.leaves - q.expires) over (order by q.day) as left_over,
        q.cap
      from (
        select
          f.day,
          coalesce(sum(f.messages) filter (where f.fate = 'leaves'), 0) as leaves,
          coalesce(sum(f.messages) filter (where f.fate = 'due'), 0) as due,
          coalesce(sum(f.messages) filter (where f.fate = 'expires'), 0) as expires,
          min(f.first_at) filter (where f.fate = 'leaves') as first_at,
          max(f.last_at) filter (where f.fate = 'leaves') as last_at,
          max(f.messages) filter (where f.fate = 'cap')::integer as cap
        from facts f
        where f.day is not null
        group by f.day
      ) q
    )
    select
      1, 'device', null::date, null::text, null::text, p_reason,
      case
        when v_is_held then drip.reason_sentence(p_reason) || ' The days are as if it were fixed.'
        else coalesce(drip.reason_sentence(p_reason), 'Nothing stops it now.')
      end,
      coalesce(sum(f.messages), 0)::bigint, null::bigint, null::bigint,
      min(f.first_at) filter (where f.fate = 'leaves'),
      max(f.last_at) filter (where f.fate = 'leaves'), null::integer, null::bigint
    from facts f
    where f.fate not in ('due', 'cap')
    union all
    select
      (10 * (d.day - v_today) + 10), 'day', d.day, null, null, null, null,
      d.leaves::bigint, d.due::bigint, d.left_over::bigint, d.first_at, d.last_at, d.cap,
      drip._open_seconds(
        greatest(v_now, d.day::timestamp at time zone v_user.time_zone),
        (d.day + 1)::timestamp at time zone v_user.time_zone, v_user.time_zone,
        p_device.active_from, p_device.active_to)
    from days d
    union all
    select
      (10 * (f.day - v_today) + 10), 'source', f.day, f.class, f.source, null, null,
      coalesce(sum(f.messages) filter (where f.fate = 'leaves'), 0)::bigint,
      coalesce(sum(f.messages) filter (where f.fate = 'due'), 0)::bigint, null,
      min(f.first_at) filter (where f.fate = 'leaves'),
      max(f.last_at) filter (where f.fate = 'leaves'), null, null
    from facts f
    where f.fate in ('leaves', 'due')
    group by f.day, f.class, f.source
    union all
    select
      10000, f.fate, null, f.class, f.source, f.reason, drip.reason_sentence(f.reason),
      sum(f.messages)::bigint, null, null, null, null, null, null
    from facts f
    where f.fate in ('waits', 'drops', 'expires', 'left')
    group by f.fate, f.class, f.source, f.reason
    order by 1, 2, 4, 5, 6;
end
$$;
comment on function drip._forecast_device(drip.user_devices, text, timestamptz) is
  'The rows of forecast_device.';

create function drip._open_seconds(
  p_from timestamptz, p_to timestamptz, p_zone text, p_opens time, p_closes time)
returns bigint
language sql stable parallel safe
as $$
  select case
    when p_opens is null then extract(epoch from p_to - p_from)::bigint
    else (
      select coalesce(sum(extract(epoch from
        least(w.closes, p_to) - greatest(w.opens, p_from))), 0)::bigint
      from (
        select
          (day.date + p_opens) at time zone p_zone as opens,
          (day.date + case when p_closes <= p_opens then 1 else 0 end + p_closes)
            at time zone p_zone as closes
        from (
          select (p_from at time zone p_zone)::date + n as date
          from generate_series(-1, 1) n
        ) day
      ) w
      where w.opens < p_to and w.closes > p_from)
  end
$$;
comment on function drip._open_seconds(timestamptz, timestamptz, text, time, time) is
  'How many seconds of a span of at most a day lie in a device''s hours.';
