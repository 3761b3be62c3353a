-- A key may name a person, such as 'welcome +60…', yet must survive: a caller that repeats its
-- request after an erasure would send it again, to a person who is to be forgotten. So a keyed hash
-- stays, which cannot be reversed without the secret of this database.
create function drip._erased_key(p_key text) returns text
language sql stable
as $$
  select 'erased:' || encode(
    sha256(convert_to('key:' || ps.value, 'UTF8')
      || sha256(convert_to('key:' || ps.value || p_key, 'UTF8'))),
    'hex')
  from drip.private_settings ps
  where ps.name = 'clock_secret'
$$;
comment on function drip._erased_key(text) is
  'The replacement of an idempotency key once its lead is erased.';
