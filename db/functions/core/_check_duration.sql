-- Adding a longer one would overflow the calendar in a sweep, which serves every tenant.
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
