-- An unknown category would silently stop nothing.
create function drip._check_category(p_category text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_category text := lower(btrim(p_category));
begin
  if v_category is null or v_category not in ('all', 'marketing') then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is no category of an opt-out',
                                 pg_catalog.quote_nullable(left(p_category, 60))),
      'Use all or marketing.');
  end if;
  return v_category;
end
$$;
comment on function drip._check_category(text) is
  'The category of an opt-out in lower case; DR001 when it is neither all nor marketing.';
