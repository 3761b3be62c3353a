-- People, files and WhatsApp itself write one subscriber's number in several ways; leads and
-- opt-outs are looked up by this key, so that each is found under all of them.
create function drip._phone_key(p_phone text) returns text
language sql stable parallel safe
as $$
  select coalesce(
    (select regexp_replace(p_phone, s.pattern, s.key)
     from drip.phone_spellings s
     where p_phone ~ s.pattern
     order by s.id
     limit 1),
    p_phone)
$$;
comment on function drip._phone_key(text) is
  'The key of an E.164 phone, the same for all spellings of one subscriber''s number.';
