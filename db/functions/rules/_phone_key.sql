-- People, files and WhatsApp itself write one subscriber's number in several ways; leads and
-- opt-outs are looked up by this key, so that each is found under all of them. A look at the first
-- digits spares most phones the look at the table, which takes 10 µs; a test holds them against it.
create function drip._phone_key(p_phone text) returns text
language sql stable parallel safe
as $$
  select case
    when substr(p_phone, 1, 3) in ('+22', '+52', '+54', '+55') then drip._spelled_key(p_phone)
    else p_phone
  end
$$;
comment on function drip._phone_key(text) is
  'The key of an E.164 phone, the same for all spellings of one subscriber''s number.';

create function drip._spelled_key(p_phone text) returns text
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
comment on function drip._spelled_key(text) is
  'The key of a phone by phone_spellings; the phone itself where it has one spelling.';
