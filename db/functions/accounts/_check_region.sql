-- Phones without + are read by their region's rules, so the region must exist.
create function drip._check_region(p_region text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_region is not null
    and not exists (select from drip.regions g where g.region = p_region)
  then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is not a region', pg_catalog.quote_literal(left(p_region, 60))),
      'Use an ISO 3166 code of two letters, such as MY.');
  end if;
end
$$;
comment on function drip._check_region(text) is
  'DR001 when the text is not null and not a region whose phones can be read.';
