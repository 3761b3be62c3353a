-- The minimum of one level may exceed the maximum of another.
create function drip._check_delays(p_min integer, p_max integer, p_path text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_min < 0 or p_max < 0 then
    perform drip._fail(
      'DR014', format('%smin_delay_seconds or max_delay_seconds is below zero', p_path),
      'Delays are seconds from 0.');
  end if;
  if p_min > p_max then
    perform drip._fail(
      'DR014',
      format('%smin_delay_seconds (%s) is above max_delay_seconds (%s)', p_path, p_min, p_max),
      'Swap them; a step without a bound uses its sequence''s.');
  end if;
end
$$;
comment on function drip._check_delays(integer, integer, text) is
  'DR014, with the path, where the minimum delay is above the maximum.';
