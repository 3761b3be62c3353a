-- Nobody plans that far ahead, and adding waits and hours must not overflow the calendar.
create function drip._check_plan_time(p_at timestamptz, p_argument text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._check_instant(p_at, p_argument);
  if p_at > drip.now() + make_interval(years => drip._limit('years_ahead')) then
    perform drip._fail(
      'DR021',
      format('%s is more than %s years ahead', p_argument, drip._limit('years_ahead')),
      'Write it as ''2026-03-02 09:00+08''; check the year.');
  end if;
end
$$;
comment on function drip._check_plan_time(timestamptz, text) is
  'DR001 or DR021 when nothing can be planned for the instant; null passes.';
