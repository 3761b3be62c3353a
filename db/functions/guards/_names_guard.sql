-- A guard is in use when a sequence or one of its steps names it.
create function drip._names_guard(p_sequence drip.sequences, p_guard text) returns boolean
language sql stable
as $$
  select coalesce((p_sequence).exit_if = p_guard, false) or exists (
    select
    from drip.sequence_steps st
    where st.sequence_id = (p_sequence).id and st.only_if = p_guard)
$$;
comment on function drip._names_guard(drip.sequences, text) is
  'Whether the sequence or a step of it names the guard.';
