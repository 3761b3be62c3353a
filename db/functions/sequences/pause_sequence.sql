-- The trigger on status defers the messages, so that a plain UPDATE has the same effect.
create function drip.pause_sequence(p_sequence text, p_reason text default null)
returns table (sequence_id bigint, status text, pending bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_outcome text := 'already_paused';
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  if v_sequence.status not in ('active', 'paused') then
    perform drip._fail(
      'DR005',
      format('the sequence %s is %s', quote_literal(v_sequence.name), v_sequence.status),
      'Only an active sequence can be paused.');
  end if;
  update drip.sequences s
  set status = 'paused', status_reason = nullif(btrim(p_reason), '')
  where s.id = v_sequence.id and s.status = 'active';
  if found then
    v_outcome := 'paused';
    perform drip._audit(
      v_sequence.user_id, 'pause_sequence', 'sequence', v_sequence.id, p_reason);
  end if;
  return query
    select
      s.id, s.status,
      (select count(*)
       from drip.sequence_contacts e
       join drip.broadcast_messages m on m.sequence_contact_id = e.id
       where e.sequence_id = s.id and e.completed_at is null and m.status = 'pending'),
      v_outcome
    from drip.sequences s
    where s.id = v_sequence.id;
end
$$;
comment on function drip.pause_sequence(text, text) is
  'Pauses a sequence: none of its messages is claimed after this has committed. pending counts the
   messages that wait. Outcomes: paused, already_paused.';
grant execute on function drip.pause_sequence(text, text) to drip_app;
