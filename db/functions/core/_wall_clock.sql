-- For durations only: how long something took, never when something is due.
create function drip._wall_clock() returns timestamptz
language sql volatile
as $$
  select pg_catalog.clock_timestamp()
$$;
comment on function drip._wall_clock() is 'The real time at this moment, for measuring durations.';

-- What a statement_timeout is compared with.
create function drip._statement_age() returns interval
language sql volatile
as $$
  select pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()
$$;
comment on function drip._statement_age() is
  'How long the statement that the client sent has been running.';
