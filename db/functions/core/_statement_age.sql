-- What a statement_timeout is compared with.
create function drip._statement_age() returns interval
language sql volatile
as $$
  select pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()
$$;
comment on function drip._statement_age() is
  'How long the statement that the client sent has been running.';
