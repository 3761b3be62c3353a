-- Registering and reading refuse a slow audience with the same sentence.
create function drip._fail_slow_audience(p_audience drip.audiences) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._fail(
    'DR018',
    format('reading the audience %s took longer than its limit of %s',
           quote_literal(p_audience.name), p_audience.time_limit),
    'Make the view faster or a materialized one, or have an operator register it again with a'
    ' longer p_time_limit.');
end
$$;
comment on function drip._fail_slow_audience(drip.audiences) is
  'DR018 for an audience that is too slow.';
