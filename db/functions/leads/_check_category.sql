-- An unknown category would silently suppress nothing.
create function drip._check_category(p_category text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_category text := lower(btrim(p_category));
begin
  if v_category is null or v_category <> all (drip._stop_categories()) then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is not a category of an opt-out',
                                 pg_catalog.quote_nullable(left(p_category, 60))),
      pg_catalog.format('Use %s.', drip._any_of(drip._stop_categories())));
  end if;
  return v_category;
end
$$;
comment on function drip._check_category(text) is
  'The category of an opt-out in lower case; DR001 when there is none such.';
