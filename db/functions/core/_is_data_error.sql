-- What a row may cause by its own contents: values that do not fit, rules they break, a depth or a
-- length beyond what the server takes. Such a row is looked for and set aside; everything else (a
-- lock, a cancel, a full disk, code that is missing) is nobody's row and goes to the caller.
create function drip._is_data_error(p_state text) returns boolean
language sql immutable parallel safe
begin atomic
  select left(p_state, 2) in ('21', '22', '23', '54', 'DR', 'XX');
end;
comment on function drip._is_data_error(text) is
  'True for an SQLSTATE that the contents of a row can cause.';
