-- The whole text must be a stop word: "please do not stop" is none. What people put around it does
-- not count: punctuation, emoji, politeness ("Stop. Thank you"), a repetition ("stop stop"). In
-- doubt the contact is opted out, since opting in again is easy. A tenant's own stop words take
-- precedence over the common ones.
create function drip._stop_category(p_user_id bigint, p_languages text[], p_text text)
returns text
language sql stable
as $$
  select w.category
  from drip._plain_forms(p_text) f
  join drip.stop_words w on w.word = any (f.forms)
  where (w.user_id is null or w.user_id = p_user_id)
    and (w.language is null or exists (
      select
      from unnest(p_languages) as l (language)
      where w.language in (
        l.language, split_part(replace(lower(l.language), '_', '-'), '-', 1))))
  order by w.user_id is null, drip._stop_rank(w.category)
  limit 1
$$;
comment on function drip._stop_category(bigint, text[], text) is
  'The category of opt-outs that the text, a stop word of the tenant in one of the languages (es
   counts for es-MX), asks for; null for other texts.';

create function drip._plain_forms(p_text text) returns table (forms text[])
language sql stable
as $$
  select array[t.trimmed, p.plain, c.bare, regexp_replace(c.bare, e'^(.+?)( \\1)+$', e'\\1')]
  from (
    -- spaces, punctuation, symbols and emoji of all scripts, even where the locale has no classes
    select
      e'[[:space:][:punct:]\\u00a0-\\u00bf\\u060c\\u061b\\u061f\\u0964\\u2000-\\u2bff'
      || e'\\u3000-\\u303f\\ufe00-\\ufe0f\\ufeff\\uff01-\\uff0f\\uff1a-\\uff20'
      || e'\\U0001f000-\\U0001faff]+' as signs
  ) g
  cross join lateral (
    select regexp_replace(
      regexp_replace(lower(p_text), '^' || g.signs || '|' || g.signs || '$', '', 'g'),
      e'[[:space:]\\u00a0\\u2000-\\u200f]+', ' ', 'g') as trimmed
  ) t
  cross join lateral (
    select btrim(regexp_replace(t.trimmed, g.signs, ' ', 'g')) as plain
  ) p
  cross join (
    select string_agg(w.word, '|' order by length(w.word) desc, w.word) as words
    from drip.courtesy_words w
    where w.word !~ e'[][(){}.*+?^$|\\\\]'
  ) k
  cross join lateral (
    select coalesce(
      regexp_replace(
        p.plain, '^((' || k.words || ') )+|( (' || k.words || '))+$', '', 'g'),
      p.plain) as bare
  ) c
  where length(p_text) <= 100
$$;
comment on function drip._plain_forms(text) is
  'What a short text says without the signs, the politeness and the repetitions around it, as the
   forms in which it may be a stop word.';
