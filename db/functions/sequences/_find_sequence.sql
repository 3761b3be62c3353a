-- A sequence argument is an id or a name, looked up among the tenants of the caller.
create function drip._find_sequence(p_sequence text) returns drip.sequences
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted constant text := btrim(p_sequence);
  v_users bigint[];
  v_found drip.sequences[];
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no sequence is named', 'Give the name or the id of a sequence.');
  end if;
  v_users := drip._mapped_users();
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  if v_wanted ~ e'^\\d+$' then
    select array_agg(s)
    into v_found
    from drip.sequences s
    where s.id = case when length(v_wanted) < 19 then v_wanted::bigint end
      and s.user_id = any (v_users);
  else
    select array_agg(s order by s.user_id)
    into v_found
    from drip.sequences s
    where s.name = v_wanted and s.user_id = any (v_users);
  end if;
  if v_found is null then
    perform drip._fail(
      'DR012', format('there is no sequence %s', quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || quote_literal(drip._nearest(
          v_wanted,
          array(select s.name from drip.sequences s where s.user_id = any (v_users)))) || '.',
        'There are no sequences yet; create_sequence creates one.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      format(
        'two users have a sequence %s: %s', quote_literal(v_wanted),
        (select string_agg(quote_literal(u.name), ' and ' order by u.id)
         from drip.users u
         where u.id in (v_found[1].user_id, v_found[2].user_id))),
      'Name the user: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$$;
comment on function drip._find_sequence(text) is
  'The sequence of that id or name among the caller''s tenants; DR012 or DR011 if not one.';
