-- The trigger may be set on the sequence or on its entry step.
create function drip._entry_token(p_sequence drip.sequences) returns text
language sql stable
as $$
  select lower(coalesce(
    nullif(btrim(p_sequence.trigger), ''),
    (select nullif(btrim(st.trigger), '')
     from drip.sequence_steps st
     where st.sequence_id = p_sequence.id and st.is_entry_point and st.retired_at is null)))
$$;
comment on function drip._entry_token(drip.sequences) is
  'The token that enrolls into the sequence, in lower case: its trigger, else its entry step''s.';
