-- From wall clock to instant: a local time that a clock change skips moves forward by the gap,
-- one that exists twice is taken once (the second); both as PostgreSQL's AT TIME ZONE does it.
create function drip._local_instant(p_local timestamp, p_zone text) returns timestamptz
language sql stable parallel safe
as $$
  select p_local at time zone p_zone
$$;
comment on function drip._local_instant(timestamp, text) is
  'The instant of a wall-clock time in an IANA zone; skipped times move forward.';
