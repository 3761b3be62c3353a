-- The messages that wait on these devices, and after them the leads of campaigns to be planned: a
-- row per message, or per share of a long queue. A plain SQL function, so that the forecast is
-- planned as one query.
create function drip._forecast_waiting(
  p_user_id bigint, p_devices bigint[], p_campaigns bigint[], p_leads bigint[], p_placed bigint[],
  p_running drip.campaigns, p_policy text, p_exact integer, p_units integer)
returns table (
  device_id bigint, message_id bigint, key bigint, messages bigint, lead_id bigint, time_zone text,
  paused_until timestamptz, held_until timestamptz, last_inbound_at timestamptz,
  priority smallint, category text, is_test boolean, message_type text, due_at timestamptz,
  expires_at timestamptz, campaign_id bigint, sequence_id bigint, sequence_stepid bigint,
  sequence_contact_id bigint, suppressed boolean, is_skipped boolean)
language sql stable
as $$
  with planned as materialized (
    select
      q.device_id, q.campaign_id, q.zone, q.paused_until, q.last_inbound_at,
      min(q.place) as place, count(*) as messages,
      case when count(*) = 1 then min(q.lead_id) end as lead_id
    from (
      select
        k.device_id, k.campaign_id, k.lead_id, k.place, l.time_zone as zone, l.paused_until,
        sw.last_inbound_at,
        row_number() over w as nth,
        count(*) over (partition by k.device_id) as total
      from unnest(p_campaigns, p_leads, p_placed)
        with ordinality as k (campaign_id, lead_id, device_id, place)
      join drip.leads l on l.id = k.lead_id
      left join drip.user_devices d on d.id = k.device_id
      left join drip.service_windows sw
        on sw.lead_id = k.lead_id and sw.device_id = d.id and d.platform = 'cloud_api'
      window w as (partition by k.device_id order by k.place)
    ) q
    group by
      q.device_id, q.campaign_id, q.zone, q.paused_until, q.last_inbound_at,
      case when q.total <= p_exact then q.place else (q.nth - 1) * p_units / q.total end
  ),
  times as materialized (
    select
      z.campaign_id, z.zone,
      drip._campaign_time(
        case when c.id = (p_running).id then p_running else c end, u.time_zone, z.zone) as at
    from (select distinct p.campaign_id, p.zone from planned p) z
    join drip.campaigns c on c.id = z.campaign_id
    join drip.users u on u.id = c.user_id
  )
  select
    m.device_id, m.id as message_id, m.id as key, 1::bigint as messages, m.lead_id,
    l.time_zone, case when hold.at is null then l.paused_until end as paused_until,
    case when hold.at is not null then l.paused_until end as held_until,
    sw.last_inbound_at, m.priority, m.category, m.is_test, m.message_type,
    -- the end of a pause frees the messages it deferred, and moves the times of journeys
    case
      when r.id is not null
        then greatest(r.at, case when drip._waits_for_retry(m) then m.not_before end)
      when l.paused_until < 'infinity' then greatest(
        coalesce(hold.at, m.scheduled_at),
        case when m.deferred_reason is distinct from 'lead_paused' then m.not_before end)
      else m.due_at
    end as due_at,
    m.expires_at + greatest(
      drip._exactly(coalesce(hold.at, r.at) - m.scheduled_at), hold.length,
      case
        when p_policy = 'shift'
          then drip._exactly(drip.now() - greatest((p_running).paused_at, m.scheduled_at))
      end,
      interval '0') as expires_at,
    m.campaign_id, m.sequence_id, m.sequence_stepid, m.sequence_contact_id,
    exists (
      select
      from drip.suppressions sp
      where sp.user_id = m.user_id
        and sp.phone_key = l.phone_key
        and drip._stops(sp.category, m.category)
        and not coalesce(m.source ? 'confirms_opt_out', false)) as suppressed,
    r.id is not null and r.at is null as is_skipped
  from drip.broadcast_messages m
  join drip.leads l on l.id = m.lead_id
  left join drip.service_windows sw on sw.lead_id = m.lead_id and sw.device_id = m.device_id
  left join lateral (
    select
      max(drip._step_after_pause(
        q.scheduled_at, st.send_time, coalesce(l.time_zone, u.time_zone),
        greatest(l.paused_at, e.enrolled_at), l.paused_until)) as at,
      max(drip._exactly(greatest(
        l.paused_until - greatest(l.paused_at, e.enrolled_at), interval '0'))) as length
    from drip.sequence_steps own
    join drip.sequence_contacts e on e.id = m.sequence_contact_id
    join drip.users u on u.id = p_user_id
    join drip.broadcast_messages q
      on q.sequence_contact_id = m.sequence_contact_id and q.status = 'pending'
    join drip.sequence_steps st on st.id = q.sequence_stepid
    where l.paused_until < 'infinity'
      and own.id = m.sequence_stepid
      and st.day_number <= own.day_number
  ) hold on true
  left join lateral (
    select
      m.campaign_id as id,
      case
        when p_policy = 'catch_up' then m.scheduled_at
        when p_policy = 'shift' and not (p_running).local_time_per_lead
          then m.scheduled_at + drip._exactly(drip.now() - (p_running).paused_at)
        else drip._after_pause(
          m.scheduled_at, p_policy, (p_running).paused_at, drip.now(),
          (p_running).local_time_per_lead, coalesce(l.time_zone, u.time_zone))
      end as at
    from drip.users u
    where u.id = p_user_id and m.campaign_id = (p_running).id and p_policy is not null
  ) r on true
  where m.device_id = any (p_devices) and m.status = 'pending'
  union all
  select
    p.device_id, null, (1::bigint << 60) + p.place, p.messages, p.lead_id, p.zone, p.paused_until,
    null, p.last_inbound_at, c.priority, c.category, false, c.message_type, z.at,
    z.at + drip._exactly(c.valid_for), c.id, null, null, null, false,
    false
  from planned p
  join drip.campaigns c on c.id = p.campaign_id
  join times z on z.campaign_id = p.campaign_id and z.zone is not distinct from p.zone
$$;
comment on function drip._forecast_waiting(
  bigint, bigint[], bigint[], bigint[], bigint[], drip.campaigns, text, integer, integer) is
  'The messages that wait on devices or will be planned: due time, expiry and pauses; one row per
   message, or one for many of a long queue.';
