-- After an edit of steps: brings the pending messages of all live journeys in line with the present
-- steps, and reports its changes. A journey only goes forward: new steps before its latest one are
-- not made up for. Messages that the edit does not concern keep their times. One that ended early
-- (cancelled, expired, skipped) stays so and moves no other. p_old: the steps in use before, [{id,
-- place, delay, send_time, valid_for, type}]; with p_only only that journey. In the lock order:
-- enrollments, then messages, in id order; it waits, so that afterwards no unclaimed message
-- follows the old plan.
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
    with wanted as materialized (
      select r.*
      from drip._replanned_steps(p_sequence_id, p_old, v_journeys) r
      where coalesce(r.status, 'pending') = 'pending'
    ),
    moved as (
      update drip.broadcast_messages m
      set scheduled_at = w.at,
        message_type = w.type,
        expires_at = w.at + drip._exactly(w.valid_for),
        -- a paused message stays paused, a failed one keeps its delay
        not_before = case when m.failures > 0 then m.not_before else w.held_until end,
        deferred_reason = case when m.failures > 0 then m.deferred_reason else w.held_by end
      from wanted w
      where m.id = w.message_id and (w.at <> w.scheduled_at or w.is_changed)
    ),
    gained as (
      insert into drip.broadcast_messages as m (
        user_id, device_id, lead_id, sequence_id, sequence_stepid, sequence_contact_id,
        recipient_phone, recipient_name, category, message_type, priority, scheduled_at,
        planned_at, not_before, deferred_reason, expires_at, status, created_at)
      select
        w.user_id, w.assigned_device_id, w.lead_id, p_sequence_id, w.step_id, w.enrollment_id,
        w.phone, w.name, w.category, w.type, w.priority, w.at, w.at, w.held_until, w.held_by,
        w.at + drip._exactly(w.valid_for), 'pending', v_now
      from wanted w
      where w.message_id is null
      order by w.enrollment_id, w.place
      returning
        m.id, m.sequence_stepid, m.sequence_contact_id as enrollment_id, m.lead_id,
        m.scheduled_at
    ),
    lost as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = 'step_removed', finished_at = v_now,
        not_before = null, deferred_reason = null
      -- except, since no plan knows how many are wanted: row by row, 10,000 messages took 50 s
      where m.id in (
        select p.id
        from drip.broadcast_messages p
        where p.sequence_contact_id = any (v_journeys) and p.status = 'pending'
        except
        select w.message_id from wanted w)
      returning
        m.id, m.sequence_stepid, m.sequence_contact_id as enrollment_id, m.lead_id,
        m.scheduled_at
    )
    select
      'moves', w.step_id, w.enrollment_id, w.lead_id, w.message_id, w.scheduled_at, w.at
    from wanted w
    where w.message_id is not null and w.at <> w.scheduled_at
    union all
    select
      'gains', g.sequence_stepid, g.enrollment_id, g.lead_id, g.id, null::timestamptz,
      g.scheduled_at
    from gained g
    union all
    select 'loses', l.sequence_stepid, l.enrollment_id, l.lead_id, l.id, l.scheduled_at, null
    from lost l;

  -- In slices: a sync is built for the results of a claim, and 100,000 at once did not finish.
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
