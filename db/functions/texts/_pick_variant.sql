-- Draws one of a campaign's variants by the message's id: always the same one, and once a claim has
-- recorded it, the same for the next attempt. A function of its own, called only for campaigns with
-- variants, so that others pay nothing for it.
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
  'The variant of a message: its previous one, if a variant of that name still exists, else one
   drawn by weight.';
