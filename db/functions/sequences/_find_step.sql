-- A step argument is an id or a name, or its position as #2, since digits alone are an id.
create function drip._find_step(p_sequence drip.sequences, p_step text)
returns drip.sequence_steps
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted constant text := btrim(p_step);
  v_step drip.sequence_steps;
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail(
      'DR001', 'no step is named', 'Give its name, its id, or its position as #1.');
  end if;
  select st.*
  into v_step
  from drip.sequence_steps st
  where st.sequence_id = p_sequence.id
    and st.retired_at is null
    and case
      when v_wanted ~ e'^\\d+$' then st.id::text = v_wanted
      when v_wanted ~ e'^#\\d+$' then st.day_number::text = substr(v_wanted, 2)
      else st.name = v_wanted
    end;
  if not found then
    perform drip._fail(
      'DR012',
      format('the sequence %s has no step %s', quote_literal(p_sequence.name),
             quote_literal(left(v_wanted, 60))),
      coalesce(
        'Its steps are ' || (
          select string_agg(
            format('#%s (id %s%s)', st.day_number, st.id, ', ' || quote_literal(st.name)), ', '
            order by st.day_number)
          from drip.sequence_steps st
          where st.sequence_id = p_sequence.id and st.retired_at is null) || '.',
        'It has none yet.'));
  end if;
  return v_step;
end
$$;
comment on function drip._find_step(drip.sequences, text) is
  'The step in use that an argument names; DR001 or DR012 where there is none.';
