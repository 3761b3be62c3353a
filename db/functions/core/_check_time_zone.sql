-- An unknown zone would fail only at the first send, hours after it was saved.
create function drip._check_time_zone(p_zone text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_zone is not null and not drip._is_time_zone(p_zone) then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is not a time zone', pg_catalog.quote_literal(left(p_zone, 60))),
      pg_catalog.format('Use an IANA name. The nearest one is %s.', drip._nearest(
        left(p_zone, 40), array(select z.name from pg_catalog.pg_timezone_names z))));
  end if;
end
$$;
comment on function drip._check_time_zone(text) is
  'DR001 when the text is not null and not the name of an IANA time zone.';
