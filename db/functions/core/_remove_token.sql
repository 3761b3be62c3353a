-- The trigger column of leads is a comma list.
create function drip._remove_token(p_list text, p_token text) returns text
language sql immutable parallel safe
as $$
  select nullif(string_agg(btrim(t.token), ',' order by t.position), '')
  from unnest(string_to_array(p_list, ',')) with ordinality as t (token, position)
  where btrim(t.token) <> '' and lower(btrim(t.token)) <> lower(btrim(p_token))
$$;
comment on function drip._remove_token(text, text) is
  'The comma list without the token; null when nothing is left.';
