-- Unregistering a guard or audience that is in use would stop programs later.
create function drip._refuse_if_named(
  p_kind text, p_name text, p_users text[], p_hint text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_users) > 0 then
    perform drip._fail(
      'DR005',
      format(
        'the %s %s is named by %s', p_kind, quote_literal(p_name),
        array_to_string(p_users[1:3], ', ')
          || case when cardinality(p_users) > 3 then ' and others' else '' end),
      p_hint);
  end if;
end
$$;
comment on function drip._refuse_if_named(text, text, text[], text) is
  'DR005 when the guard or audience to be unregistered is still named; the error lists three
   users.';
