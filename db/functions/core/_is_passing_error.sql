-- What the moment or the server is to blame for, and no row, program or view: a lock, a deadlock,
-- a connection, no memory or disk left, an intervention. Another try may well succeed.
create function drip._is_passing_error(p_state text) returns boolean
language sql immutable parallel safe
begin atomic
  select left(p_state, 2) in ('08', '40', '53', '55', '57', '58');
end;
comment on function drip._is_passing_error(text) is
  'True for an SQLSTATE that says something of the server at that moment.';

-- Code of others can raise any SQLSTATE. The context of what it raises itself begins at its RAISE,
-- that of the server's own errors does not.
create function drip._is_raised(p_context text) returns boolean
language sql immutable parallel safe
begin atomic
  select coalesce(split_part(p_context, E'\n', 1) ~ 'RAISE$', false);
end;
comment on function drip._is_raised(text) is
  'True for the context of an error that PL/pgSQL code raised by itself.';
