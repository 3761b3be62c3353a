-- Planning and shifting calculate alike: hours from step to step, in local time where the next one
-- has a time of day, so that a day of 23 hours does not cost a daily step its day.
create function drip._next_step_at(
  p_at timestamptz, p_delay_hours numeric, p_send_time time, p_zone text)
returns timestamptz
language sql stable parallel safe
as $$
  select case
    when p_send_time is null then p_at + p_delay_hours * interval '1 hour'
    else drip._next_local_time(
      drip._local_instant(
        drip._local_before_gap(p_at, p_zone) + p_delay_hours * interval '1 hour', p_zone),
      p_zone, p_send_time)
  end
$$;
comment on function drip._next_step_at(timestamptz, numeric, time, text) is
  'When a step is due, given when its predecessor is due.';
