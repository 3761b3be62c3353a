-- Foreign code can raise any SQLSTATE. The context of an error that it raises begins at its RAISE;
-- that of the server's own errors does not.
create function drip._is_raised(p_context text) returns boolean
language sql immutable parallel safe
begin atomic
  select coalesce(split_part(p_context, E'\n', 1) ~ 'RAISE$', false);
end;
comment on function drip._is_raised(text) is
  'True for the context of an error that PL/pgSQL code raised itself.';
