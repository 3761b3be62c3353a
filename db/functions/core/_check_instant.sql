-- PostgreSQL's calendar is far longer than that of any client: a time beyond it would be stored,
-- and then neither be read by an application nor have a delay added to it.
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

-- Nobody plans so far ahead, and what adds waits and hours to a time stays within the calendar.
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

create function drip._check_key(p_value text, p_argument text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if length(p_value) > drip._limit('key') then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is longer than %s characters', p_argument, drip._limit('key')),
      'Give a short one: it stands in an index.');
  end if;
end
$$;
comment on function drip._check_key(text, text) is
  'DR001 when a name or key is too long to stand in an index; null passes.';

-- A sweep that adds a longer one leaves the calendar, and it serves every tenant.
create function drip._check_duration(p_value interval, p_column text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_value not between interval '-100 years' and interval '100 years' then
    perform drip._fail(
      'DR004', pg_catalog.format('%s is above 100 years', p_column),
      'Write an interval such as ''2 hours''.');
  end if;
end
$$;
comment on function drip._check_duration(interval, text) is
  'DR004 when a setting of the type interval is too long to be added to a time; null passes.';
