-- A device argument is an id or a name, looked up among the tenants of the caller.
create function drip._find_device(p_device text, p_user bigint default null)
returns drip.user_devices
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted text := pg_catalog.btrim(p_device);
  v_users bigint[] := coalesce(array[p_user], '{}');
  v_found drip.user_devices[];
begin
  if p_user is null then
    v_users := drip._mapped_users();
  end if;
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no device is named', 'Give the name or the id of a device.');
  end if;
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  select array_agg(d order by d.user_id)
  into v_found
  from drip.user_devices d
  where d.user_id = any (v_users)
    and case when v_wanted ~ e'^\\d+$' then d.id::text = v_wanted else d.name = v_wanted end;
  if v_found is null then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no device %s', pg_catalog.quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
          v_wanted,
          array(select d.name from drip.user_devices d where d.user_id = any (v_users)))) || '.',
        'There are no devices yet; an operator creates one with upsert_device.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      pg_catalog.format(
        'two users have a device %s: %s', pg_catalog.quote_literal(v_wanted),
        (select string_agg(pg_catalog.quote_literal(u.name), ' and ' order by u.id)
         from drip.users u
         where u.id in (v_found[1].user_id, v_found[2].user_id))),
      'Name the user: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$$;
comment on function drip._find_device(text, bigint) is
  'The device of that id or name, of p_user or the caller''s tenants; DR012 or DR011 if not one.';
