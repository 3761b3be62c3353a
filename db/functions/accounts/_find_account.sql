-- An account argument is an id or a name, looked up among the tenants of the caller.
create function drip._find_account(p_account text) returns drip.sender_accounts
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted text := pg_catalog.btrim(p_account);
  v_users bigint[] := drip._mapped_users();
  v_found drip.sender_accounts[];
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no account is named', 'Give the name or the id of an account.');
  end if;
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  select array_agg(a order by a.user_id)
  into v_found
  from drip.sender_accounts a
  where a.user_id = any (v_users)
    and case when v_wanted ~ e'^\\d+$' then a.id::text = v_wanted else a.name = v_wanted end;
  if v_found is null then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no account %s', pg_catalog.quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
          v_wanted,
          array(select a.name from drip.sender_accounts a where a.user_id = any (v_users)))) || '.',
        'There are no accounts yet; an operator creates one with upsert_account.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      pg_catalog.format('two users have an account %s', pg_catalog.quote_literal(v_wanted)),
      'Name the user: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$$;
comment on function drip._find_account(text) is
  'The sender account of that id or name among the caller''s tenants; DR012 or DR011 if not one.';
