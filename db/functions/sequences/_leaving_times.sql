-- When the messages of a sequence's journeys may leave by plan, spacing, hours and days, which an
-- edit of its hours moves. As in _advance_journeys, a late message shifts those after it. Paused
-- messages have no time.
create function drip._leaving_times(p_sequence_id bigint)
returns table (
  message_id bigint, enrollment_id bigint, lead_id bigint, step_id bigint, at timestamptz)
language sql stable
as $$
  with recursive waiting as materialized (
    select
      m.id, m.sequence_contact_id, m.lead_id, m.sequence_stepid, m.scheduled_at,
      st.trigger_delay_hours as delay, st.send_time,
      coalesce(l.time_zone, u.time_zone) as zone,
      p.window_from as send_from, p.window_to as send_to, p.window_days as send_days,
      p.skip_weekends,
      row_number() over (partition by e.id order by st.day_number) as place
    from drip.sequences s
    join drip.sequence_contacts e on e.sequence_id = s.id and e.completed_at is null
    join drip.leads l on l.id = e.lead_id
    join drip.users u on u.id = e.user_id
    join drip.broadcast_messages m on m.sequence_contact_id = e.id and m.status = 'pending'
    join drip.sequence_steps st on st.id = m.sequence_stepid
    cross join lateral drip._paused_by(e, s, l) h
    cross join lateral drip._program_window(
      null, null, null, s.send_from, s.send_to, s.send_days, s.skip_weekends,
      u.send_from, u.send_to, u.send_days) p
    where s.id = p_sequence_id and h.held_by is null
  ),
  journeys as (
    select
      w.*, w.scheduled_at as due_at,
      drip._window_opens_at(
        greatest(w.scheduled_at, drip.now()), w.zone, w.send_from, w.send_to, w.send_days,
        w.skip_weekends) as at
    from waiting w
    where w.place = 1
    union all
    select
      w.*, n.due_at,
      drip._window_opens_at(
        greatest(n.due_at, n.free_at, drip.now()), w.zone, w.send_from, w.send_to, w.send_days,
        w.skip_weekends)
    from journeys j
    join waiting w
      on w.sequence_contact_id = j.sequence_contact_id and w.place = j.place + 1
    cross join lateral (
      select drip._free_at(j.at, j.due_at, w.delay, w.send_time, w.zone) as free_at
    ) f
    cross join lateral (
      select
        f.free_at,
        case
          when f.free_at > w.scheduled_at + interval '1 minute'
            then drip._next_local_time(f.free_at, w.zone, w.send_time)
          else w.scheduled_at
        end as due_at
    ) n
  )
  select j.id, j.sequence_contact_id, j.lead_id, j.sequence_stepid, j.at
  from journeys j
$$;
comment on function drip._leaving_times(bigint) is
  'The earliest time of each pending message of a sequence, null = never; without paused ones.';
