-- A seal is a keyed hash, which cannot be made without the key.
create function drip._wake_hash(p_text text) returns text
language sql stable
as $$
  select encode(
    sha256(convert_to('wake:' || ps.value, 'UTF8')
      || sha256(convert_to('wake:' || ps.value || p_text, 'UTF8'))),
    'hex')
  from drip.private_settings ps
  where ps.name = 'clock_secret'
$$;
comment on function drip._wake_hash(text) is
  'A keyed hash, with the secret of this database.';
