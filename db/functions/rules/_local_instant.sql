-- From local time to instant: a time skipped by a clock change moves forward by the gap, one that
-- occurs twice means the second; both as PostgreSQL's AT TIME ZONE does it.
create function drip._local_instant(p_local timestamp, p_zone text) returns timestamptz
language sql stable parallel safe
as $$
  select p_local at time zone p_zone
$$;
comment on function drip._local_instant(timestamp, text) is
  'The instant of a local time in an IANA zone; skipped times move forward.';
