-- A step argument is an id or a name, looked up in its sequence.
create function drip._find_step(p_sequence drip.sequences, p_step text)
returns drip.sequence_steps
language plpgsql stable
set search_path = ''
as $$
declare
  v_wanted constant text := btrim(p_step);
  v_step drip.sequence_steps;
begin
  select st.*
  into v_step
  from drip.sequence_steps st
  where st.sequence_id = p_sequence.id
    and case
      when v_wanted ~ '^\d+$' then st.id = case when length(v_wanted) < 19 then v_wanted::bigint end
      else st.name = v_wanted
    end;
  if v_step.id is null then
    perform drip._fail(
      'DR012',
      format('the sequence %s has no step %s', quote_literal(p_sequence.name),
             coalesce(quote_literal(v_wanted), 'null')),
      coalesce(
        'Its steps, in order: ' || (
          select string_agg(coalesce(quote_literal(st.name), st.id::text), ', '
                            order by st.day_number)
          from drip.sequence_steps st
          where st.sequence_id = p_sequence.id) || '.',
        'It has none yet; update_sequence gives it some.'));
  end if;
  return v_step;
end
$$;
comment on function drip._find_step(drip.sequences, text) is
  'The step of that id or name in a sequence; DR012 if there is none.';
