-- Only for measuring durations, never for deciding when something is due.
create function drip._wall_clock() returns timestamptz
language sql volatile
as $$
  select pg_catalog.clock_timestamp()
$$;
comment on function drip._wall_clock() is 'The real time at this moment, for measuring durations.';
