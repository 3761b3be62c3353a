-- A day of an interval that is added to an instant has 23 to 25 hours, by the session's zone; and
-- the difference of two instants comes in days. Counted in seconds, no session changes the outcome.
create function drip._exactly(p_length interval) returns interval
language sql immutable parallel safe
begin atomic
  select extract(epoch from p_length) * interval '1 second';
end;
comment on function drip._exactly(interval) is
  'The same length without days: a day is 24 hours, a month 30 days.';
grant execute on function drip._exactly(interval) to drip_reader, drip_view;
