-- Choices that errors and hints offer, so that a list stands once.
create function drip._any_of(p_words text[]) returns text
language sql stable parallel safe
as $$
  select concat_ws(
    ' or ',
    nullif(array_to_string(p_words[:cardinality(p_words) - 1], ', '), ''),
    p_words[cardinality(p_words)])
$$;
comment on function drip._any_of(text[]) is
  'The words as a sentence names a choice: text, image or video.';
