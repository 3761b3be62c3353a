-- A time of day that the clocks skipped has moved forward by the gap. What follows it counts as of
-- the time that was meant: the step after a 02:30 that left at 03:30 would lose its day.
create function drip._local_before_gap(p_at timestamptz, p_zone text) returns timestamp
language sql stable parallel safe
begin atomic
  select
    case
      -- no gap in the last hours: three conversions instead of eight
      when (p_at - interval '3 hours') at time zone p_zone + interval '3 hours'
        >= p_at at time zone p_zone
        then p_at at time zone p_zone
      when g.gap > interval '0' and (g.local - g.gap) at time zone p_zone = p_at
        then g.local - g.gap
      else g.local
    end
  from (
    select
      p_at at time zone p_zone as local,
      (p_at at time zone p_zone) - ((p_at - interval '3 hours') at time zone p_zone)
        - interval '3 hours' as gap
  ) g;
end;
comment on function drip._local_before_gap(timestamptz, text) is
  'The local time of an instant; right after a gap of the clocks the skipped time that is the same
   instant.';
grant execute on function drip._local_before_gap(timestamptz, text) to drip_reader, drip_view;
