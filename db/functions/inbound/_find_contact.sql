-- A provider names a contact by a number, in whatever spelling, or by ids of its own. Where neither
-- is known, the message that the contact quotes names it: one chat has one contact.
create function drip._find_contact(
  p_user_id bigint, p_platform text, p_contact text, p_aliases text[], p_quoted text default null)
returns setof drip.leads
language sql stable
as $$
  select l.*
  from drip.leads l
  join (
    select 1 as place, k.id
    from drip._lead_of_phone(p_user_id, '+' || p_contact) k
    union all
    select 2, a.lead_id
    from drip.lead_aliases a
    where a.user_id = p_user_id and a.platform = p_platform
      and a.provider_id = any (p_contact || p_aliases)
    union all
    select 3, m.lead_id
    from drip.broadcast_messages m
    where m.provider_message_id = p_quoted and m.user_id = p_user_id
    union all
    -- a contact that was no lead yet wrote with its number once
    select 4, k.id
    from drip.inbound_messages i
    join drip.user_devices d on d.id = i.device_id and d.platform = p_platform
    cross join lateral drip._lead_of_phone(p_user_id, i.sender) k
    where p_contact is null
      and i.user_id = p_user_id
      and i.sender_alias = any (p_aliases)
      and i.sender like '+%'
  ) f on f.id = l.id
  order by f.place, l.id
  limit 1
$$;
comment on function drip._find_contact(bigint, text, text, text[], text) is
  'The lead with that number, in any spelling, or with the number or one of the provider''s ids as
   an alias, else the one to whom the quoted message went.';
