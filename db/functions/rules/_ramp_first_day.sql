-- A ramp that restarted after a silence counts its days from then.
create function drip._ramp_first_day(p_started_on date, p_ramp_from date, p_ramp_of date)
returns date
language sql immutable parallel safe
begin atomic
  select case
    when p_ramp_of = p_started_on then greatest(p_started_on, p_ramp_from) else p_started_on end;
end;
comment on function drip._ramp_first_day(date, date, date) is
  'The local date of day 1: ramp_from, where it was set for this ramp_started_on.';
grant execute on function drip._ramp_first_day(date, date, date) to drip_reader, drip_view;
