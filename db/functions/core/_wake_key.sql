-- Listeners on the channel must not learn which devices exist.
create function drip._wake_key(p_mark text, p_place bigint) returns bigint
language sql stable
as $$
  select ('x' || left(drip._wake_hash(p_mark || ':' || p_place), 16))::bit(64)::bigint
$$;
comment on function drip._wake_key(text, bigint) is
  'The key that hides the number at that place below that mark.';
