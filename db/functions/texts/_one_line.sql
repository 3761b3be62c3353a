-- Meta refuses a parameter with a line break, a tab or more than four spaces in a row (132018).
create function drip._one_line(p_text text) returns text
language sql immutable parallel safe
as $$
  select case
    when p_text ~ e'[\\n\\r\\t\\v\\f\\u0085\\u2028\\u2029]| {5}' then btrim(regexp_replace(
      p_text, e'\\s*[\\n\\r\\t\\v\\f\\u0085\\u2028\\u2029]\\s*| {5,}', ' ', 'g'))
    else p_text
  end
$$;
comment on function drip._one_line(text) is
  'A text as a parameter of a template may hold it: line breaks, tabs and five spaces become one
   space.';
