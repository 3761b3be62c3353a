-- Errors of the moment or the server, not of a row, program or view: a lock, a deadlock, a
-- connection, no memory or disk left, an intervention. Another try may well succeed.
create function drip._is_passing_error(p_state text) returns boolean
language sql immutable parallel safe
begin atomic
  select left(p_state, 2) in ('08', '40', '53', '55', '57', '58');
end;
comment on function drip._is_passing_error(text) is
  'True for an SQLSTATE that tells about the server at that moment.';
