-- The whole text must be a stop word: "please do not stop" is none. Punctuation and emoji around
-- it are ignored; a tenant's own stop words take precedence over the common ones.
create function drip._stop_category(p_user_id bigint, p_language text, p_text text) returns text
language sql stable
as $$
  select w.category
  from drip.stop_words w
  cross join (
    -- spaces, punctuation, symbols and emoji of all scripts, even where the locale has no classes
    select e'[[:space:][:punct:]\\u00a0-\\u00bf\\u2000-\\u2bff\\u3000-\\u303f\\ufe00-\\ufe0f\\ufeff'
      || e'\\uff01-\\uff0f\\uff1a-\\uff20\\U0001f000-\\U0001faff]+' as signs
  ) g
  where length(p_text) <= 100
    and w.word = regexp_replace(
      regexp_replace(lower(p_text), '^' || g.signs || '|' || g.signs || '$', '', 'g'),
      e'[[:space:]\\u00a0\\u2000-\\u200f]+', ' ', 'g')
    and (w.user_id is null or w.user_id = p_user_id)
    and (w.language is null or w.language = p_language)
  order by w.user_id is null, drip._stop_rank(w.category)
  limit 1
$$;
comment on function drip._stop_category(bigint, text, text) is
  'The category of opt-outs that the text, a stop word of the tenant in that language, asks for;
   null for other texts.';
