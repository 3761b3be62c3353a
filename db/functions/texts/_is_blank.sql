-- Also what shows nothing though it is no space: no-break spaces, joiners, fillers.
create function drip._is_blank(p_text text) returns boolean
language sql immutable parallel safe
as $$
  select coalesce(
    p_text !~ (
      e'[^\\s\\u0085\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180e'
      || e'\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe0f\\ufeff'
      || e'\\uffa0]'),
    true)
$$;
comment on function drip._is_blank(text) is
  'True for a text of which a contact would see nothing, and for null.';
