-- Proof that a function of ours set this time in this statement: a keyed hash, since looking ahead
-- must also work where nothing can be written. Who saw one can repeat nothing but that time, and
-- not after the statement.
create function drip._clock_token(p_told text) returns text
language sql stable parallel safe
as $$
  select encode(
    sha256(convert_to(ps.value, 'UTF8') || sha256(convert_to(
      ps.value || p_told || extract(epoch from statement_timestamp())::text, 'UTF8'))),
    'hex')
  from drip.private_settings ps
  where ps.name = 'clock_secret'
$$;
comment on function drip._clock_token(text) is
  'The token that lets drip.fake_now count, for this time and this statement.';
