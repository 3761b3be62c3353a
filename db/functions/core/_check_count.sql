-- Work grows with the number of elements; a bound keeps a call short.
create function drip._check_count(p_count bigint, p_limit text, p_what text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_count > drip._limit(p_limit) then
    perform drip._fail(
      'DR021', format('%s are more than %s', p_what, drip._limit(p_limit)),
      'Pass them in several calls, or pass fewer; docs/limits.md lists the limits.');
  end if;
end
$$;
comment on function drip._check_count(bigint, text, text) is
  'DR021 when there are more of something than its limit; null passes.';
