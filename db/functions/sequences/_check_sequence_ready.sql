-- A sequence that could enroll nobody, or endlessly, must not start.
create function drip._check_sequence_ready(p_sequence drip.sequences) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select
    from drip.sequence_steps st
    where st.sequence_id = p_sequence.id and st.retired_at is null)
  then
    perform drip._fail(
      'DR007', format('the sequence %s has no steps', quote_literal(p_sequence.name)),
      'Add "steps": [{"content": "…"}] with update_sequence.');
  end if;
  if p_sequence.auto_enroll = 'niche' and p_sequence.niche is null then
    perform drip._fail(
      'DR006',
      format('the sequence %s enrolls by niche and has none', quote_literal(p_sequence.name)),
      'Set niche, or set auto_enroll to manual to enroll by call only.');
  end if;
  if p_sequence.auto_enroll = 'trigger' and drip._entry_token(p_sequence) is null then
    perform drip._fail(
      'DR006', format('the sequence %s has an empty trigger', quote_literal(p_sequence.name)),
      'Set trigger, or set auto_enroll to manual to enroll by call only.');
  end if;
  perform drip._check_chain(p_sequence);
end
$$;
comment on function drip._check_sequence_ready(drip.sequences) is
  'DR007 without steps, DR006 without a way to enroll, DR020 for an endless chain.';
