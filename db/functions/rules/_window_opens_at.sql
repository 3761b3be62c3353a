-- For the verdict; _window_spans() calculates the days and hours.
create function drip._window_opens_at(
  p_at timestamptz, p_zone text, p_from time, p_to time, p_days smallint[], p_skip_weekends boolean)
returns timestamptz
language sql stable parallel safe
begin atomic
  select min(s.opens)
  from drip._window_spans(p_at, p_zone, p_from, p_to, p_days, p_skip_weekends) s;
end;
comment on function drip._window_opens_at(timestamptz, text, time, time, smallint[], boolean) is
  'The earliest instant, not before the given one, within the window; null if there is none.';
-- message_outlook calls it with the rights of its reader; it reads no table.
grant execute on function drip._window_opens_at(
  timestamptz, text, time, time, smallint[], boolean) to drip_reader, drip_view;
