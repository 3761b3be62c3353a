-- A trigger of the application may refuse a row with any SQLSTATE.
create function drip._is_refusal(p_state text) returns boolean
language sql immutable parallel safe
begin atomic
  -- P0: a foreign trigger that raises without an SQLSTATE of its own
  select drip._is_data_error(p_state) or pg_catalog.left(p_state, 2) = 'P0';
end;
comment on function drip._is_refusal(text) is
  'True for an SQLSTATE by which the database or a trigger refuses a row for its contents.';
