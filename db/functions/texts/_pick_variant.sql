-- One of several texts of a campaign, drawn from the message's id: the same at every look, and once
-- a claim has recorded it, the same at the next attempt. Its own function, and asked only of
-- campaigns that have variants, so that others pay nothing for it.
create function drip._pick_variant(p_variants jsonb, p_message_id bigint, p_before text)
returns jsonb
language sql immutable parallel safe
begin atomic
  select v.value
  from (
    select
      e.value,
      e.place,
      e.value ->> 'name' = p_before as was_before,
      sum((e.value ->> 'weight')::numeric) over (order by e.place) as up_to,
      sum((e.value ->> 'weight')::numeric) over () as total
    from jsonb_array_elements(p_variants) with ordinality as e (value, place)
  ) v
  where coalesce(v.was_before, false)
    or v.up_to > drip._seeded_fraction(p_message_id, 90)::numeric * v.total
  order by v.was_before desc nulls last, v.place asc
  limit 1;
end;
comment on function drip._pick_variant(jsonb, bigint, text) is
  'The variant of a message: the one it had before, if there still is one of that name, else one
   drawn by weight.';
