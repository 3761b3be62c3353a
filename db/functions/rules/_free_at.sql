-- The wait between two steps runs from the real send. Where the later step has a time of day, the
-- wait is in local time, and lateness of up to half of it, twelve hours at most, does not count: a
-- full queue must not cost a daily step its day. Greater lateness means an outage, after which no
-- two steps come closer than planned.
create function drip._free_at(
  p_finished_at timestamptz, p_scheduled_at timestamptz, p_delay_hours numeric, p_send_time time,
  p_zone text)
returns timestamptz
language sql stable parallel safe
begin atomic
  select case
    when p_send_time is null then p_finished_at + p_delay_hours * interval '1 hour'
    else (
      case
        when (p_finished_at at time zone p_zone) - (p_scheduled_at at time zone p_zone)
          <= least(p_delay_hours / 2, 12) * interval '1 hour'
          then drip._local_before_gap(p_scheduled_at, p_zone)
        else p_finished_at at time zone p_zone
      end
      + p_delay_hours * interval '1 hour') at time zone p_zone
  end;
end;
comment on function drip._free_at(timestamptz, timestamptz, numeric, time, text) is
  'The earliest time of a step, by when its predecessor was due and finished.';
grant execute on function drip._free_at(timestamptz, timestamptz, numeric, time, text)
  to drip_reader, drip_view;
