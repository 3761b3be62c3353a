-- After an edit of steps: brings the pending messages of all live journeys in line with the steps
-- as they are now, and says what it did. A journey only goes forward: what stands before the last
-- step it has had is not made up. What an edit did not touch keeps its time. A message that has
-- ended before its turn (cancelled, expired, skipped) stays so and takes nothing along.
-- p_old: the steps in use before, [{id, place, delay, send_time, valid_for, type}]; with p_only
-- that journey alone.
-- In the lock order: enrollments, then messages, in id order; it waits, so that afterwards nothing
-- unclaimed is left of the old plan.
create function drip._replan_journeys(
  p_sequence_id bigint, p_old jsonb, p_only bigint default null)
returns table (
  change text, sequence_stepid bigint, enrollment_id bigint, lead_id bigint, message_id bigint,
  at_before timestamptz, at_after timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_journeys bigint[];
  v_devices bigint[];
begin
  v_journeys := array(
    select e.id
    from drip.sequence_contacts e
    where e.sequence_id = p_sequence_id and e.completed_at is null
      and (p_only is null or e.id = p_only)
    order by e.id
    for no key update);
  perform
  from drip.broadcast_messages m
  where m.sequence_contact_id = any (v_journeys) and m.status = 'pending'
  order by m.id
  for no key update;

  return query
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
        -- a pause does not count, and its end moves all that waits by its length
        coalesce(p.held_since, v_now) as now,
        q.starts_at, h.reached, h.is_begun,
        -- what pauses have moved the whole journey by
        coalesce(
          h.first_at - drip._next_local_time(q.starts_at, z.zone, o.send_time), interval '0')
          as shift
      from drip.sequence_contacts e
      join drip.sequences s on s.id = e.sequence_id
      join drip.leads l on l.id = e.lead_id
      join drip.users u on u.id = e.user_id
      cross join lateral (select coalesce(l.time_zone, u.time_zone) as zone) z
      cross join lateral drip._held_by(e, s, l) p
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
      where e.id = any (v_journeys)
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
               -- the waits of all steps since that the journey had, as the verdict counts them
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
    ),
    wanted as materialized (
      select t.*, st.valid_for, st.type, st.is_changed
      from timeline t
      join steps st on st.id = t.step_id
      where coalesce(t.status, 'pending') = 'pending'
    ),
    moved as (
      update drip.broadcast_messages m
      set scheduled_at = w.at,
        message_type = w.type,
        expires_at = w.at + drip._exactly(w.valid_for),
        -- a held one stays held, one that failed keeps its rest
        not_before = case when m.failures > 0 then m.not_before else j.held_until end,
        deferred_reason = case when m.failures > 0 then m.deferred_reason else j.held_by end
      from wanted w
      join journeys j on j.id = w.enrollment_id
      where m.id = w.message_id and (w.at <> w.scheduled_at or w.is_changed)
    ),
    gained as (
      insert into drip.broadcast_messages as m (
        user_id, device_id, lead_id, sequence_id, sequence_stepid, sequence_contact_id,
        recipient_phone, recipient_name, category, message_type, priority, scheduled_at,
        planned_at, not_before, deferred_reason, expires_at, status, created_at)
      select
        j.user_id, j.assigned_device_id, j.lead_id, p_sequence_id, w.step_id, j.id, j.phone,
        j.name, j.category, w.type, j.priority, w.at, w.at,
        j.held_until, j.held_by,
        w.at + drip._exactly(w.valid_for), 'pending', v_now
      from wanted w
      join journeys j on j.id = w.enrollment_id
      where w.message_id is null
      order by j.id, w.place
      returning m.id, m.sequence_contact_id, m.sequence_stepid
    ),
    lost as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = 'step_removed', finished_at = v_now,
        not_before = null, deferred_reason = null
      from journeys j
      where m.sequence_contact_id = j.id
        and m.status = 'pending'
        and not exists (select from wanted w where w.message_id = m.id)
      returning m.id, m.sequence_stepid, j.id as enrollment_id, j.lead_id, m.scheduled_at
    )
    select
      'moves', w.step_id, w.enrollment_id, j.lead_id, w.message_id, w.scheduled_at, w.at
    from wanted w
    join journeys j on j.id = w.enrollment_id
    where w.message_id is not null and w.at <> w.scheduled_at
    union all
    select 'gains', w.step_id, w.enrollment_id, j.lead_id, g.id, null::timestamptz, w.at
    from wanted w
    join journeys j on j.id = w.enrollment_id
    join gained g
      on g.sequence_contact_id = w.enrollment_id and g.sequence_stepid = w.step_id
    union all
    select 'loses', l.sequence_stepid, l.enrollment_id, l.lead_id, l.id, l.scheduled_at, null
    from lost l;

  -- In slices: made for the results of a claim, a sync of 100,000 at once did not end.
  for v_from in 1 .. cardinality(v_journeys) by 500 loop
    perform drip._sync_enrollments(v_journeys[v_from:v_from + 499]);
  end loop;
  select array_agg(distinct m.device_id)
  into v_devices
  from drip.broadcast_messages m
  where m.sequence_contact_id = any (v_journeys)
    and m.status = 'pending'
    and m.due_at <= v_now + interval '15 seconds';
  perform drip._notify_wake(v_devices);
end
$$;
comment on function drip._replan_journeys(bigint, jsonb, bigint) is
  'Moves, adds and cancels pending messages of a sequence after an edit of its steps; one row for
   each: moves, gains, loses.';
