-- A day added to an instant has 23 to 25 hours, depending on the session's zone, and the difference
-- of two instants comes in days. In seconds, the result does not depend on the session.
create function drip._exactly(p_length interval) returns interval
language sql immutable parallel safe
begin atomic
  select extract(epoch from p_length) * interval '1 second';
end;
comment on function drip._exactly(interval) is
  'The same length without days: a day is 24 hours, a month 30 days.';
grant execute on function drip._exactly(interval) to drip_reader, drip_view;
