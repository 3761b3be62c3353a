-- When each step is due: the first at the start, each next one its own delay after its predecessor;
-- a send_time moves its step and all that follow.
create function drip._timeline(p_sequence_id bigint, p_start timestamptz, p_zone text)
returns table (sequence_stepid bigint, day_number integer, at timestamptz)
language sql stable
as $$
  with recursive steps as (
    select
      st.id, st.day_number, st.send_time, st.trigger_delay_hours,
      row_number() over (order by st.day_number) as place
    from drip.sequence_steps st
    where st.sequence_id = p_sequence_id and st.retired_at is null
  ),
  timeline as (
    select
      s.id, s.day_number, s.place,
      drip._next_local_time(p_start, p_zone, s.send_time) as at
    from steps s
    where s.place = 1
    union all
    select
      s.id, s.day_number, s.place,
      drip._next_step_at(t.at, s.trigger_delay_hours, s.send_time, p_zone)
    from timeline t
    join steps s on s.place = t.place + 1
  )
  select t.id, t.day_number, t.at
  from timeline t
  order by t.place
$$;
comment on function drip._timeline(bigint, timestamptz, text) is
  'The planned time of each step of a sequence for a journey that starts at an instant in a zone.';
