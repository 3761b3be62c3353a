-- Triggers and niches are comma lists of tokens, compared as a whole, trimmed, ignoring case.
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
  'True when the comma list contains the token; no list contains an empty token.';
-- enrollment_gaps calls it with the rights of its reader; it reads no table.
grant execute on function drip._has_token(text, text) to drip_reader, drip_view;
