-- For comparison with statement_timeout.
create function drip._statement_age() returns interval
language sql volatile
as $$
  select pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()
$$;
comment on function drip._statement_age() is
  'How long the client''s statement has been running.';
