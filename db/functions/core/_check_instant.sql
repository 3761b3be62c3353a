-- PostgreSQL's calendar exceeds that of every client: a time beyond it could be stored, but no
-- application could read it and no delay be added to it.
create function drip._check_instant(p_at timestamptz, p_argument text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_at < timestamptz '1970-01-01 00:00Z' or p_at >= timestamptz '10000-01-01 00:00Z' then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is not between the years 1970 and 9999', p_argument),
      'Write it as ''2026-03-02 09:00+08'', or leave it out.');
  end if;
end
$$;
comment on function drip._check_instant(timestamptz, text) is
  'DR001 when the instant is infinite or outside the years that clients can read; null passes.';
