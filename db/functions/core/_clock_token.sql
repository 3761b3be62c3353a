-- Proves that a function of ours set this time in this statement: a keyed hash, because forecasts
-- must also work where nothing can be written. A token that leaks allows only the same time, and
-- only within the statement.
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
  'The token that makes drip.fake_now count, for this time and this statement.';
