-- The only look-up of a lead by its number.
create function drip._lead_of_phone(p_user bigint, p_phone text) returns setof drip.leads
language sql stable
as $$
  select l.*
  from drip.leads l
  where l.user_id = p_user and l.phone_key = drip._phone_key(p_phone)
  order by l.phone = p_phone desc, l.id
  limit 1
$$;
comment on function drip._lead_of_phone(bigint, text) is
  'The tenant''s lead with that E.164 phone, else one with another spelling of it, else no row.';
