-- The wait between two steps runs from the real send. Where the later one has a time of day,
-- lateness counts in whole days, and the wait is one of the wall clock: a full queue or a change
-- of the clocks must not cost a daily step its day.
create function drip._free_at(
  p_finished_at timestamptz, p_scheduled_at timestamptz, p_delay_hours numeric, p_send_time time,
  p_zone text)
returns timestamptz
language sql stable parallel safe
as $$
  select case
    when p_send_time is null then p_finished_at + p_delay_hours * interval '1 hour'
    else (
      (p_scheduled_at at time zone p_zone)
      + floor(extract(epoch from
          (p_finished_at at time zone p_zone) - (p_scheduled_at at time zone p_zone)) / 86400)
        * interval '1 day'
      + p_delay_hours * interval '1 hour') at time zone p_zone
  end
$$;
comment on function drip._free_at(timestamptz, timestamptz, numeric, time, text) is
  'From when a step may go, by when the one before it was due and was finished.';
grant execute on function drip._free_at(timestamptz, timestamptz, numeric, time, text)
  to drip_reader, drip_view;
