-- The plan of live journeys by the present steps. A journey only goes forward: new steps before its
-- latest one are not made up for. Messages that the edit does not concern keep their times. A plain
-- SQL function, so that it is planned as part of the statement that uses it.
create function drip._replanned_steps(p_sequence_id bigint, p_old jsonb, p_journeys bigint[])
returns table (
  enrollment_id bigint, user_id bigint, lead_id bigint, assigned_device_id bigint, phone text,
  name text, category text, priority smallint, held_by text, held_until timestamptz,
  step_id bigint, place integer, message_id bigint, status text, scheduled_at timestamptz,
  at timestamptz, valid_for interval, type text, is_changed boolean)
language sql stable
as $$
  with recursive old_steps as (
    select
      o.id, o.place, o.delay, o.send_time, o.valid_for, o.type,
      lag(o.id) over (order by o.place) as after_id
    from jsonb_to_recordset(p_old) as o (
      id bigint, place integer, delay numeric, send_time time, valid_for interval, type text)
  ),
  steps as materialized (
    select
      n.*,
      -- the same wait after the same step as before
      coalesce(
        n.after_id is not distinct from o.after_id
        and n.send_time is not distinct from o.send_time
        and (n.delay = o.delay or n.after_id is null), false) as is_kept,
      coalesce(n.valid_for is distinct from o.valid_for or n.type <> o.type, false) as is_changed
    from (
      select
        st.id, st.trigger_delay_hours as delay, st.send_time, st.valid_for,
        st.message_type as type,
        row_number() over (order by st.day_number)::integer as place,
        lag(st.id) over (order by st.day_number) as after_id
      from drip.sequence_steps st
      where st.sequence_id = p_sequence_id and st.retired_at is null
    ) n
    left join old_steps o on o.id = n.id
  ),
  journeys as materialized (
    select
      e.id, e.user_id, e.lead_id, e.assigned_device_id, l.phone, l.name,
      s.category, s.priority, z.zone, p.held_by, p.held_until,
      -- a pause does not count; its end moves all pending messages by its length
      coalesce(p.held_since, drip.now()) as now,
      q.starts_at, h.reached, h.is_begun,
      -- by how much pauses have moved the whole journey
      coalesce(
        h.first_at - drip._next_local_time(q.starts_at, z.zone, o.send_time), interval '0')
        as shift
    from drip.sequence_contacts e
    join drip.sequences s on s.id = e.sequence_id
    join drip.leads l on l.id = e.lead_id
    join drip.users u on u.id = e.user_id
    cross join lateral (select coalesce(l.time_zone, u.time_zone) as zone) z
    cross join lateral drip._paused_by(e, s, l) p
    cross join lateral (
      select coalesce(e.starts_at, e.enrolled_at + drip._exactly(s.start_delay)) as starts_at
    ) q
    left join old_steps o on o.after_id is null
    cross join lateral (
      select
        coalesce(
          max(b.place) filter (
            where b.is_tried or (b.status <> 'pending' and b.place < b.first_pending)),
          0) as reached,
        coalesce(bool_or(b.is_tried), false) as is_begun,
        max(b.scheduled_at) filter (where b.sequence_stepid = o.id and b.status = 'pending')
          as first_at
      from (
        select
          m.status, m.sequence_stepid, m.scheduled_at, st.place,
          m.status in ('processing', 'sent', 'failed', 'unknown') as is_tried,
          coalesce(min(st.place) filter (where m.status = 'pending') over (), 2147483647)
            as first_pending
        from drip.broadcast_messages m
        left join steps st on st.id = m.sequence_stepid
        where m.sequence_contact_id = e.id
      ) b
    ) h
    where e.id = any (p_journeys)
  ),
  timeline as (
    select
      j.id as enrollment_id, j.zone, j.now, st.id as step_id, st.place, m.id as message_id,
      m.status, m.scheduled_at, m.device_id,
      case
        when m.id is not null and st.is_kept then m.scheduled_at
        else greatest(j.now, t.at)
      end as at
    from journeys j
    join steps st on st.place = j.reached + 1
    left join drip.broadcast_messages m
      on m.sequence_contact_id = j.id and m.sequence_stepid = st.id
    cross join lateral (
      select case
        when j.is_begun then drip._next_local_time(
          (select max(drip._free_at(
             coalesce(p.finished_at, j.now), p.scheduled_at, w.hours, st.send_time, j.zone))
           from drip.broadcast_messages p
           left join steps ps on ps.id = p.sequence_stepid
           cross join lateral (
             -- the waits of all later steps of the journey, as the verdict counts them
             select case
               when ps.id is null then st.delay
               else (
                 select sum(k.delay)
                 from steps k
                 where k.place > ps.place
                   and k.place <= st.place
                   and (k.id = st.id or exists (
                     select
                     from drip.broadcast_messages b
                     where b.sequence_contact_id = j.id and b.sequence_stepid = k.id)))
             end as hours
           ) w
           where p.sequence_contact_id = j.id
             and p.status in ('processing', 'sent', 'failed', 'unknown')),
          j.zone, st.send_time)
        else drip._next_local_time(
          j.starts_at + j.shift, j.zone, st.send_time)
      end as at
    ) t
    union all
    select
      t.enrollment_id, t.zone, t.now, st.id, st.place, m.id, m.status, m.scheduled_at,
      m.device_id,
      case
        when m.id is not null and st.is_kept and t.at = t.scheduled_at then m.scheduled_at
        else greatest(t.now, drip._next_step_at(t.at, st.delay, st.send_time, t.zone))
      end
    from timeline t
    join steps st on st.place = t.place + 1
    left join drip.broadcast_messages m
      on m.sequence_contact_id = t.enrollment_id
      and m.sequence_stepid = st.id
  )
  select
    t.enrollment_id, j.user_id, j.lead_id, j.assigned_device_id, j.phone, j.name, j.category,
    j.priority, j.held_by, j.held_until, t.step_id, t.place, t.message_id, t.status,
    t.scheduled_at, t.at, st.valid_for, st.type, st.is_changed
  from timeline t
  join steps st on st.id = t.step_id
  join journeys j on j.id = t.enrollment_id
$$;
comment on function drip._replanned_steps(bigint, jsonb, bigint[]) is
  'Each coming step of a journey, its message for it, and when that now goes.';
