-- Triggers and niches are comma lists of tokens, compared whole, trimmed, ignoring case.
create function drip._has_token(p_list text, p_token text) returns boolean
language sql immutable parallel safe
begin atomic
  select coalesce(
    lower(btrim(p_token)) <> ''
    and lower(btrim(p_token)) = any (
      string_to_array(regexp_replace(lower(btrim(p_list)), e'\\s*,\\s*', ',', 'g'), ',')),
    false);
end;
comment on function drip._has_token(text, text) is
  'True when the comma list holds the token; an empty token is in no list.';
-- enrollment_gaps asks it with the rights of its reader; it reads no table.
grant execute on function drip._has_token(text, text) to drip_reader, drip_view;

create function drip._remove_token(p_list text, p_token text) returns text
language sql immutable parallel safe
as $$
  select nullif(string_agg(btrim(t.token), ',' order by t.position), '')
  from unnest(string_to_array(p_list, ',')) with ordinality as t (token, position)
  where btrim(t.token) <> '' and lower(btrim(t.token)) <> lower(btrim(p_token))
$$;
comment on function drip._remove_token(text, text) is
  'The comma list without the token; null when nothing is left.';

create function drip._add_token(p_list text, p_token text) returns text
language sql immutable parallel safe
as $$
  select case
    when drip._has_token(p_list, p_token) or nullif(btrim(p_token), '') is null then p_list
    else concat_ws(',', nullif(btrim(p_list), ''), btrim(p_token))
  end
$$;
comment on function drip._add_token(text, text) is
  'The comma list with the token once.';
