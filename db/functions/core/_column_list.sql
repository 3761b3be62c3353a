-- Definitions name columns; the names were checked against a fixed list and are still quoted.
create function drip._column_list(p_values jsonb) returns text
language sql immutable parallel safe
as $$
  select string_agg(pg_catalog.quote_ident(k.key), ', ' order by k.key)
  from pg_catalog.jsonb_object_keys(p_values) as k (key)
$$;
comment on function drip._column_list(jsonb) is
  'The keys of an object as a list of quoted column names, in a fixed order.';
