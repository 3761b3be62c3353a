-- Comma lists are stored clean, so that readers and SQL see whole tokens.
create function drip._clean_tokens(p_list text) returns text
language sql immutable parallel safe
as $$
  select case
    when p_list ~ e'^[^\\s,]+$' then p_list
    else (
      select string_agg(k.token, ',' order by k.position)
      from (
        select distinct on (lower(btrim(t.token, e' \t\r\n')))
          btrim(t.token, e' \t\r\n') as token, t.position
        from unnest(string_to_array(p_list, ',')) with ordinality as t (token, position)
        where btrim(t.token, e' \t\r\n') <> ''
        order by lower(btrim(t.token, e' \t\r\n')), t.position
      ) k)
  end
$$;
comment on function drip._clean_tokens(text) is
  'The comma list with its tokens trimmed and without duplicates (ignoring case); null when empty.';
