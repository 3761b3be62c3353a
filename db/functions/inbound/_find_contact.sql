-- A provider may identify a contact by number or by an id of its own.
create function drip._find_contact(
  p_user_id bigint, p_platform text, p_contact text, p_alias text)
returns setof drip.leads
language sql stable
as $$
  select l.*
  from drip.leads l
  join (
    select 1 as place, k.id
    from drip.leads k
    where k.user_id = p_user_id and k.phone = '+' || p_contact
    union all
    select 2, a.lead_id
    from drip.lead_aliases a
    where a.user_id = p_user_id and a.platform = p_platform
      and a.provider_id in (p_contact, p_alias)
  ) f on f.id = l.id
  order by f.place, l.id
  limit 1
$$;
comment on function drip._find_contact(bigint, text, text, text) is
  'The lead with that number, or with that number or provider''s id as an alias.';
