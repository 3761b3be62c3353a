-- A tenant argument is an id or a name, looked up among the tenants of the caller.
create function drip._find_user(p_user text) returns drip.users
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted text := pg_catalog.btrim(p_user);
  v_users bigint[] := drip._mapped_users();
  v_found drip.users;
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no tenant is named', 'Give the name or the id of a tenant.');
  end if;
  select u.*
  into v_found
  from drip.users u
  where u.id = any (v_users)
    and case when v_wanted ~ e'^\\d+$' then u.id::text = v_wanted else u.name = v_wanted end;
  if v_found.id is null then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no tenant %s', pg_catalog.quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
          v_wanted, array(select u.name from drip.users u where u.id = any (v_users)))) || '.',
        'Make it with create_user.'));
  end if;
  return v_found;
end
$$;
comment on function drip._find_user(text) is
  'The tenant of that id or name among those the caller may act for; DR012 if there is none.';
