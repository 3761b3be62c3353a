-- People write phones in many ways; the tables have one: E.164. An ambiguous phone is refused with
-- a sentence, never guessed into somebody else's number.
create function drip._normalize_phone(p_phone text, p_region text) returns text
language sql stable parallel safe
as $$
  select r.phone from drip._read_phone(p_phone, p_region) as r
$$;
comment on function drip._normalize_phone(text, text) is
  'The phone as E.164 (+60123456789), read by the region''s rules; null if it is invalid.';

create function drip._phone_problem(p_phone text, p_region text) returns text
language sql stable parallel safe
as $$
  select r.problem from drip._read_phone(p_phone, p_region) as r
$$;
comment on function drip._phone_problem(text, text) is
  'The sentence that says why the phone is invalid; null if it is valid.';
