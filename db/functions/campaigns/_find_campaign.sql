-- A campaign argument is an id or a title, looked up among the tenants of the caller.
create function drip._find_campaign(p_campaign text) returns drip.campaigns
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted constant text := btrim(p_campaign);
  v_users bigint[];
  v_found drip.campaigns[];
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no campaign is named', 'Give the title or the id of a campaign.');
  end if;
  v_users := drip._mapped_users();
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  if v_wanted ~ e'^\\d+$' then
    select array_agg(c)
    into v_found
    from drip.campaigns c
    where c.id = case when length(v_wanted) < 19 then v_wanted::bigint end
      and c.user_id = any (v_users);
  else
    select array_agg(c order by c.user_id)
    into v_found
    from drip.campaigns c
    where c.title = v_wanted and c.user_id = any (v_users);
  end if;
  if v_found is null then
    perform drip._fail(
      'DR012', format('there is no campaign %s', quote_literal(v_wanted)),
      coalesce(
        'The nearest title is ' || quote_literal(drip._nearest(
          v_wanted,
          array(select c.title from drip.campaigns c where c.user_id = any (v_users)))) || '.',
        'There are no campaigns yet; create_campaign creates one.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      format(
        'two users have a campaign %s: %s', quote_literal(v_wanted),
        (select string_agg(quote_literal(u.name), ' and ' order by u.id)
         from drip.users u
         where u.id in (v_found[1].user_id, v_found[2].user_id))),
      'Name the user: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$$;
comment on function drip._find_campaign(text) is
  'The campaign of that id or title among the caller''s tenants; DR012 or DR011 if not one.';
