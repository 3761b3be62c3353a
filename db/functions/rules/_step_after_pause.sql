-- By whole days for a step with a time of day, so that a short pause does not cost a day.
create function drip._step_after_pause(
  p_at timestamptz, p_send_time time, p_zone text, p_since timestamptz, p_until timestamptz)
returns timestamptz
language sql stable parallel safe
as $$
  select case
    when p_send_time is null then p_at + h.length
    when h.length = interval '0' then p_at
    -- the step was late anyway, and the pause was short
    when p_at <= p_since and h.length <= interval '12 hours' then p_at
    else drip._next_local_time(
      greatest(
        p_until,
        drip._local_instant(
          drip._local_before_gap(p_at, p_zone)
            + floor(extract(epoch from h.length) / 86400) * interval '1 day',
          p_zone)),
      p_zone, p_send_time)
  end
  from (select drip._exactly(greatest(p_until - p_since, interval '0')) as length) h
$$;
comment on function drip._step_after_pause(timestamptz, time, text, timestamptz, timestamptz) is
  'The time of a step after a pause that does not count: it moves by the pause''s length.';
