-- The choices in errors and hints, so that each list is written once.
create function drip._any_of(p_words text[]) returns text
language sql stable parallel safe
as $$
  select concat_ws(
    ' or ',
    nullif(array_to_string(p_words[:cardinality(p_words) - 1], ', '), ''),
    p_words[cardinality(p_words)])
$$;
comment on function drip._any_of(text[]) is
  'The choices as a sentence lists them: text, image or video.';
