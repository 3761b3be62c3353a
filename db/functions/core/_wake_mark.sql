-- Only this database can make a mark, so a text with the right mark is ours.
create function drip._wake_mark(p_numbers bigint[]) returns text
language sql stable
as $$
  select left(drip._wake_hash(array_to_string(p_numbers, ',')), 16)
$$;
comment on function drip._wake_mark(bigint[]) is
  'A mark of these numbers that only this database can make.';
