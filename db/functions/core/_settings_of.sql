-- The comment of a column alone says whether people may set it.
create function drip._settings_of(p_table regclass) returns text[]
language sql stable
as $$
  select array_agg(a.attname::text order by a.attnum)
  from pg_catalog.pg_attribute a
  where a.attrelid = p_table
    and a.attnum > 0
    and not a.attisdropped
    and pg_catalog.col_description(a.attrelid, a.attnum) like '[setting]%'
$$;
comment on function drip._settings_of(regclass) is
  'Names of the columns of a table that people may set: those whose comment begins with [setting].';
