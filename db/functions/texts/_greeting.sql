-- The tenant's own greetings precede the common ones, the exact language its base and then English;
-- of two equal ones the one that starts later counts. ms-MY and ms_MY are the same.
create function drip._greeting(
  p_user_id bigint, p_language text, p_zone text, p_at timestamptz, p_name text)
returns text
language sql stable
as $$
  select g.text || coalesce(' ' || nullif(btrim(p_name), ''), '') || E',\n\n'
  from (
    select
      extract(hour from p_at at time zone p_zone) as hour,
      replace(lower(btrim(p_language)), '_', '-') as language
  ) w
  join drip.greetings g
    on replace(lower(btrim(g.language)), '_', '-')
      in (w.language, split_part(w.language, '-', 1), 'en')
    and w.hour >= g.from_hour
    and w.hour < g.to_hour
  where g.user_id = p_user_id or g.user_id is null
  order by
    case replace(lower(btrim(g.language)), '_', '-') when w.language then 1 when 'en' then 3 else 2
    end,
    g.user_id nulls last,
    g.from_hour desc
  limit 1
$$;
comment on function drip._greeting(bigint, text, text, timestamptz, text) is
  'Greeting line for the lead''s local hour and language, ending in an empty line; null if none.';
