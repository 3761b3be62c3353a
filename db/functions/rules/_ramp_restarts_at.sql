-- A number that was silent for three days must ramp up again.
create function drip._ramp_restarts_at(
  p_zone text, p_first_day date, p_last_sent_at timestamptz)
returns timestamptz
language sql stable parallel safe
begin atomic
  select
    greatest(p_last_sent_at, p_first_day::timestamp at time zone p_zone) + interval '72 hours';
end;
comment on function drip._ramp_restarts_at(text, date, timestamptz) is
  'When a ramp restarts: 72 h after the last send, or after the start of its first day.';
grant execute on function drip._ramp_restarts_at(text, date, timestamptz) to drip_reader, drip_view;
