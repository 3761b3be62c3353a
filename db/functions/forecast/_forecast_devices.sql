-- What becomes of all messages that wait on these devices, and of those still to be planned. The
-- claim's judge decides whether a message leaves at all, asked for the time at which it is due; up
-- to c_exact messages of a device are units of their own with their own delays, above that a unit
-- stands for a c_units-th of the queue. Contact rules, guards, an account's reach and the shifts by
-- late steps are not included.
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
  v_now constant timestamptz := drip.now();
begin
  return query
    with judged as (
      select w.*
      from drip._forecast_fates(
        p_user_id, p_devices, p_campaigns, p_leads, p_placed, p_running, p_policy,
        c_exact, c_units) w
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
    -- when it becomes due, by day: messages that do not leave that day move to the next
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
   dropped, what becomes due when, and the caps of days; for pending messages and the leads of
   campaigns to be planned. The campaign p_running counts as running; with a policy, as resumed by
   it now.';
