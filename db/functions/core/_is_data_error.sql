-- Errors that the contents of a row can cause: values that do not fit, broken rules, a depth or
-- length beyond the server's limits. Such a row is found and set aside; any other error (a lock, a
-- cancel, a full disk, missing code) is no row's fault and goes to the caller.
create function drip._is_data_error(p_state text) returns boolean
language sql immutable parallel safe
begin atomic
  select left(p_state, 2) in ('21', '22', '23', '54', 'DR', 'XX');
end;
comment on function drip._is_data_error(text) is
  'True for an SQLSTATE that the contents of a row can cause.';
