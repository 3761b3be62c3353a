-- Errors about an unknown word suggest the known one that was probably meant.
create function drip._nearest(p_word text, p_words text[]) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select w.word
  from unnest(p_words) as w (word)
  where w.word is not null
  order by
    drip._edit_distance(lower(coalesce(p_word, '')), lower(w.word)),
    not starts_with(lower(w.word), left(lower(coalesce(p_word, '')), 1)),
    w.word
  limit 1
$$;
comment on function drip._nearest(text, text[]) is
  'The word of the list that is closest in spelling; null only for an empty list.';
