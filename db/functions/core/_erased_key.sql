-- A key may name a person, such as 'welcome +60…', and must outlive it: a caller that repeats its
-- request after an erasure would send it once more, to a person who is to be forgotten. So a keyed
-- hash stays, of which nobody without the secret of this database finds the key.
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
  'What stands for an idempotency key once the lead is erased.';
