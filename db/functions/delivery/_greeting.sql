-- The tenant's own greetings go before the common ones, the exact language before its base and
-- before English.
create function drip._greeting(
  p_user_id bigint, p_language text, p_zone text, p_at timestamptz, p_name text)
returns text
language sql stable
as $$
  select g.text || coalesce(' ' || nullif(btrim(p_name), ''), '') || E',\n\n'
  from drip.greetings g
  where (g.user_id = p_user_id or g.user_id is null)
    and g.language in (lower(p_language), split_part(lower(p_language), '-', 1), 'en')
    and extract(hour from p_at at time zone p_zone) >= g.from_hour
    and extract(hour from p_at at time zone p_zone) < g.to_hour
  order by
    case g.language when lower(p_language) then 1 when 'en' then 3 else 2 end,
    g.user_id nulls last
  limit 1
$$;
comment on function drip._greeting(bigint, text, text, timestamptz, text) is
  'Greeting line for the lead''s local hour and language, ending in an empty line; null if none.';
