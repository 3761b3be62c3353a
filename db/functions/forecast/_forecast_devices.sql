-- What becomes of all that waits on these devices, and of messages that are still to be planned.
-- Whether a message leaves at all, the claim's judge says, asked for the time at which it is due;
-- up to c_exact messages of a device are units of their own with their own delays, of more each
-- unit stands for a c_units-th of the queue. Contact rules, guards, an account's reach and what a
-- late step does to those behind it are not in it.
create function drip._forecast_devices(
  p_user_id bigint, p_devices bigint[], p_campaigns bigint[], p_leads bigint[], p_placed bigint[],
  p_until timestamptz, p_running drip.campaigns default null, p_policy text default null)
returns table (
  device_id bigint, priority smallint, campaign_id bigint, sequence_id bigint, fate text,
  reason text, day date, messages bigint, first_at timestamptz, last_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set work_mem = '64MB'
set jit = off
as $$
#variable_conflict use_column
declare
  c_exact constant integer := 1000;
  c_units constant integer := 300;
  -- what is planned later stands behind what is planned
  c_later constant bigint := 1::bigint << 60;
  v_now constant timestamptz := drip.now();
begin
  return query
    with planned as materialized (
      select
        q.device_id, q.campaign_id, q.zone, q.paused_until, q.last_inbound_at,
        min(q.place) as place, count(*) as messages,
        case when count(*) = 1 then min(q.lead_id) end as lead_id
      from (
        select
          k.device_id, k.campaign_id, k.lead_id, k.place, l.time_zone as zone, l.paused_until,
          case when d.platform = 'cloud_api' then l.last_inbound_at end as last_inbound_at,
          row_number() over w as nth,
          count(*) over (partition by k.device_id) as total
        from unnest(p_campaigns, p_leads, p_placed)
          with ordinality as k (campaign_id, lead_id, device_id, place)
        join drip.leads l on l.id = k.lead_id
        left join drip.user_devices d on d.id = k.device_id
        window w as (partition by k.device_id order by k.place)
      ) q
      group by
        q.device_id, q.campaign_id, q.zone, q.paused_until, q.last_inbound_at,
        case when q.total <= c_exact then q.place else (q.nth - 1) * c_units / q.total end
    ),
    times as materialized (
      select
        z.campaign_id, z.zone,
        drip._campaign_time(
          case when c.id = (p_running).id then p_running else c end, u.time_zone, z.zone) as at
      from (select distinct p.campaign_id, p.zone from planned p) z
      join drip.campaigns c on c.id = z.campaign_id
      join drip.users u on u.id = c.user_id
    ),
    waiting as (
      select
        m.device_id, m.id as message_id, m.id as key, 1::bigint as messages, m.lead_id,
        l.time_zone, case when hold.at is null then l.paused_until end as paused_until,
        case when hold.at is not null then l.paused_until end as held_until,
        l.last_inbound_at, m.priority, m.category, m.is_test, m.message_type,
        -- whoever ends a pause lets go what it held, and moves the times of journeys
        case
          when r.id is not null
            then greatest(r.at, case when drip._is_resting(m) then m.not_before end)
          when l.paused_until < 'infinity' then greatest(
            coalesce(hold.at, m.scheduled_at),
            case when m.deferred_reason is distinct from 'lead_paused' then m.not_before end)
          else m.due_at
        end as due_at,
        m.expires_at + greatest(
          drip._exactly(coalesce(hold.at, r.at) - m.scheduled_at), hold.length,
          case
            when p_policy = 'shift'
              then drip._exactly(v_now - greatest((p_running).paused_at, m.scheduled_at))
          end,
          interval '0') as expires_at,
        m.campaign_id, m.sequence_id, m.sequence_stepid, m.sequence_contact_id,
        exists (
          select
          from drip.suppressions sp
          where sp.user_id = m.user_id
            and sp.phone = l.phone
            and drip._stops(sp.category, m.category)
            and not coalesce(m.source ? 'confirms_opt_out', false)) as suppressed,
        r.id is not null and r.at is null as is_skipped
      from drip.broadcast_messages m
      join drip.leads l on l.id = m.lead_id
      left join lateral (
        select
          max(drip._after_hold(
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
              then m.scheduled_at + drip._exactly(v_now - (p_running).paused_at)
            else drip._after_pause(
              m.scheduled_at, p_policy, (p_running).paused_at, v_now,
              (p_running).local_time_per_lead, coalesce(l.time_zone, u.time_zone))
          end as at
        from drip.users u
        where u.id = p_user_id and m.campaign_id = (p_running).id and p_policy is not null
      ) r on true
      where m.device_id = any (p_devices) and m.status = 'pending'
      union all
      select
        p.device_id, null, c_later + p.place, p.messages, p.lead_id, p.zone, p.paused_until,
        null, p.last_inbound_at, c.priority, c.category, false, c.message_type, z.at,
        z.at + drip._exactly(c.valid_for), c.id, null, null, null, false,
        false
      from planned p
      join drip.campaigns c on c.id = p.campaign_id
      join times z on z.campaign_id = p.campaign_id and z.zone is not distinct from p.zone
    ),
    judged as (
      select
        w.device_id, w.key, w.messages, w.priority, w.campaign_id, w.sequence_id, w.expires_at,
        case
          when w.is_skipped then 'excluded'
          when v.verdict = 'drop' then 'drops'
          when v.verdict = 'wait' and v.until is null then 'waits'
          else 'goes'
        end as fate,
        case
          when w.is_skipped then 'skipped_by_resume'
          when v.until is null then v.reason
        end as reason,
        w.due_at,
        greatest(w.due_at, v.until, w.held_until) as arrives_at,
        w.messages * case
          when w.lead_id is not null then drip._delay_seconds(
            drip._message_seed(w.message_id, w.lead_id, w.campaign_id, w.sequence_stepid),
            d.min_delay_seconds, d.max_delay_seconds, x.min_seconds, x.max_seconds)
          -- several at once: the mean
          else (greatest(d.min_delay_seconds, x.min_seconds) + greatest(
            d.min_delay_seconds, x.min_seconds, d.max_delay_seconds, x.max_seconds)) / 2.0
        end as seconds,
        case when x.has_window then coalesce(w.time_zone, u.time_zone) end as zone,
        case when x.has_window then x.window_from end as window_from,
        case when x.has_window then x.window_to end as window_to,
        case when x.has_window then x.window_days end as window_days,
        case when x.has_window then x.skip_weekends end as skip_weekends
      from waiting w
      join drip.users u on u.id = p_user_id
      left join drip.user_devices d on d.id = w.device_id
      left join drip.campaigns c on c.id = w.campaign_id
      left join drip.sequences s on s.id = w.sequence_id
      left join drip.sequence_steps st on st.id = w.sequence_stepid
      left join drip.sequence_contacts e on e.id = w.sequence_contact_id
      cross join lateral (
        select
          greatest(w.due_at, v_now, w.held_until) as now,
          coalesce(st.min_delay_seconds, s.min_delay_seconds, c.min_delay_seconds) as min_seconds,
          coalesce(st.max_delay_seconds, s.max_delay_seconds, c.max_delay_seconds) as max_seconds,
          p.window_from, p.window_to, p.window_days, p.skip_weekends,
          drip._has_window(w.campaign_id, w.sequence_id, w.category, w.is_test)
            and (p.window_from is not null or p.window_days is not null or p.skip_weekends)
            as has_window
        from drip._program_window(
          c.send_from, c.send_to, c.send_days, s.send_from, s.send_to, s.send_days,
          s.skip_weekends, u.send_from, u.send_to, u.send_days) p
        offset 0
      ) x
      cross join lateral drip._verdict(
        x.now, w.due_at, null, w.expires_at, u.is_active,
        case when w.campaign_id is distinct from (p_running).id then c.status end, s.status,
        -- what pauses its sequence or its lead stands there
        case
          when e.paused_at is not null then 'paused'
          when e.status = 'paused' then 'active'
          else e.status
        end,
        w.paused_until, w.suppressed, null, null, null, d.id, 'online', null, null, null,
        d.platform = 'cloud_api' and w.message_type <> 'template'
          and coalesce(w.last_inbound_at < x.now - interval '24 hours', true),
        null, null, false, null, null, null, null, null, null, null, null, null
      ) v
    ),
    numbered as (
      select
        j.*,
        sum(j.messages) over (
          partition by j.device_id, j.fate order by j.priority, j.arrives_at, j.key) as place,
        sum(j.messages) over (partition by j.device_id, j.fate) as total
      from judged j
    ),
    grouped as materialized (
      select
        n.device_id, n.fate, n.reason, n.priority, n.campaign_id, n.sequence_id, n.zone,
        n.window_from, n.window_to, n.window_days, n.skip_weekends,
        min(n.arrives_at) as arrives_at,
        min(case when n.total <= c_exact then n.due_at else n.arrives_at end) as due_at,
        min(n.key) as key,
        sum(n.messages)::bigint as messages,
        sum(n.seconds) as seconds,
        min(n.expires_at) as expires_at
      from numbered n
      group by
        n.device_id, n.fate, n.reason, n.priority, n.campaign_id, n.sequence_id, n.zone,
        n.window_from, n.window_to, n.window_days, n.skip_weekends,
        case
          when n.fate <> 'goes' then 0
          when n.total <= c_exact then n.place
          else floor((n.place - 1) * c_units / n.total)
        end
    ),
    units as (
      select
        g.*,
        dense_rank() over (
          partition by g.device_id
          order by g.priority, g.zone, g.window_from, g.window_to, g.window_days, g.skip_weekends
        )::integer as lane,
        dense_rank() over (
          partition by g.device_id order by g.priority, g.campaign_id, g.sequence_id
        )::integer as source
      from grouped g
      where g.fate = 'goes'
    ),
    queues as (
      select
        u.device_id,
        array_agg(u.lane order by u.lane, u.arrives_at, u.due_at, u.key) as lane,
        array_agg(u.arrives_at order by u.lane, u.arrives_at, u.due_at, u.key) as arrives_at,
        array_agg(u.due_at order by u.lane, u.arrives_at, u.due_at, u.key) as due_at,
        array_agg(u.key order by u.lane, u.arrives_at, u.due_at, u.key) as key,
        array_agg(u.messages order by u.lane, u.arrives_at, u.due_at, u.key) as messages,
        array_agg(u.seconds order by u.lane, u.arrives_at, u.due_at, u.key) as seconds,
        array_agg(u.expires_at order by u.lane, u.arrives_at, u.due_at, u.key) as expires_at,
        array_agg(u.source order by u.lane, u.arrives_at, u.due_at, u.key) as source
      from units u
      group by u.device_id
    ),
    lanes as (
      select q.device_id, jsonb_agg(q.lane order by q.place) as lanes
      from (
        select distinct
          u.device_id,
          u.lane as place,
          jsonb_build_object(
            'priority', u.priority, 'zone', u.zone, 'from', u.window_from, 'to', u.window_to,
            'days', u.window_days, 'skip_weekends', u.skip_weekends) as lane
        from units u
      ) q
      group by q.device_id
    ),
    sources as (
      select distinct u.device_id, u.source, u.priority, u.campaign_id, u.sequence_id
      from units u
    )
    select
      q.device_id, s.priority, s.campaign_id, s.sequence_id, f.fate,
      case f.fate when 'expires' then 'expired' when 'waits' then 'outside_window' end,
      f.day, sum(f.messages)::bigint, min(f.first_at), max(f.last_at)
    from queues q
    join lanes l on l.device_id = q.device_id
    cross join lateral drip._forecast_queue(
      q.device_id, p_until, l.lanes, q.lane, q.arrives_at, q.due_at, q.key, q.messages,
      q.seconds, q.expires_at, q.source) f
    left join sources s on s.device_id = q.device_id and s.source = f.source
    group by q.device_id, s.priority, s.campaign_id, s.sequence_id, f.fate, f.day
    union all
    select
      g.device_id, g.priority, g.campaign_id, g.sequence_id, g.fate, g.reason, null,
      sum(g.messages)::bigint, null, null
    from grouped g
    where g.fate <> 'goes'
    group by g.device_id, g.priority, g.campaign_id, g.sequence_id, g.fate, g.reason
    union all
    -- when it becomes due, by day: what does not leave on it goes over into the next
    select
      u.device_id, u.priority, u.campaign_id, u.sequence_id, 'due', null,
      (greatest(u.arrives_at, v_now) at time zone t.time_zone)::date, sum(u.messages)::bigint,
      min(u.arrives_at), max(u.arrives_at)
    from units u
    join drip.users t on t.id = p_user_id
    group by
      u.device_id, u.priority, u.campaign_id, u.sequence_id,
      (greatest(u.arrives_at, v_now) at time zone t.time_zone)::date;
end
$$;
comment on function drip._forecast_devices(
  bigint, bigint[], bigint[], bigint[], bigint[], timestamptz, drip.campaigns, text) is
  'What leaves these devices on which day, by class and source, what waits for a person or is
   dropped, what becomes due when, and the caps of days; of what waits and of the leads of
   campaigns to be planned. The campaign p_running counts as running; with a policy, as resumed now
   by it.';
