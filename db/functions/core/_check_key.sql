-- PostgreSQL refuses index entries above a third of a page; this error names the argument.
create function drip._check_key(p_value text, p_argument text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if length(p_value) > drip._limit('key') then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is longer than %s characters', p_argument, drip._limit('key')),
      'Shorten it: it is indexed.');
  end if;
end
$$;
comment on function drip._check_key(text, text) is
  'DR001 when a name or key is too long for an index; null passes.';
