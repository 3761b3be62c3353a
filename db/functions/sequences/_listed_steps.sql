-- Steps are edited by id, so a definition shows their ids.
create function drip._listed_steps(p_sequence_id bigint) returns jsonb
language sql stable
as $$
  select coalesce(jsonb_agg(d.step || jsonb_build_object('id', st.id) order by d.place), '[]')
  from jsonb_array_elements(drip._sequence_definition(p_sequence_id) -> 'steps')
    with ordinality as d (step, place)
  join drip.sequence_steps st
    on st.sequence_id = p_sequence_id
    and st.retired_at is null
    and st.day_number = (d.step ->> 'day_number')::integer
$$;
comment on function drip._listed_steps(bigint) is
  'The steps of a sequence''s definition, each with its id.';
