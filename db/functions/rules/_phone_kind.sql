-- Plans are older than the newest numbers: what they do not know may still exist.
create function drip._phone_kind(p_phone text) returns text
language sql stable parallel safe
as $$
  select case
    when n.national ~ k.mobile then 'mobile'
    when n.national ~ k.fixed then 'fixed'
  end
  from drip.calling_codes k
  cross join lateral (
    select substr(p_phone, 2 + length(k.calling_code)) as national
  ) n
  where k.calling_code in (substr(p_phone, 2, 1), substr(p_phone, 2, 2), substr(p_phone, 2, 3))
$$;
comment on function drip._phone_kind(text) is
  'What the numbering plan says of an E.164 number: mobile (or either), fixed, or null.';
