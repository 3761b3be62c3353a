-- Pauses one journey; others of its sequence and of its lead go on. The trigger on paused_at defers
-- the messages, so that a plain UPDATE of status has the same effect.
create function drip.pause_enrollment(
  p_sequence text, p_phone text, p_reason text default null, p_key text default '')
returns table (enrollment_id bigint, lead_id bigint, pending bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_enrollment constant drip.sequence_contacts := drip._live_journey(v_sequence, p_phone, p_key);
  v_outcome text := 'already_paused';
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  if v_enrollment.id is null then
    return query select null::bigint, v_enrollment.lead_id, 0::bigint, 'not_enrolled';
    return;
  end if;
  update drip.sequence_contacts e
  set paused_at = drip.now(), pause_reason = nullif(btrim(p_reason), '')
  where e.id = v_enrollment.id and e.paused_at is null and e.completed_at is null;
  if found then
    v_outcome := 'paused';
    perform drip._audit(
      v_sequence.user_id, 'pause_enrollment', 'enrollment', v_enrollment.id, p_reason);
  end if;
  return query
    select
      v_enrollment.id, v_enrollment.lead_id,
      (select count(*)
       from drip.broadcast_messages m
       where m.sequence_contact_id = v_enrollment.id and m.status = 'pending'),
      v_outcome;
end
$$;
comment on function drip.pause_enrollment(text, text, text, text) is
  'Pauses one journey: none of its messages is claimed after this has committed. pending counts the
   messages that wait. Outcomes: paused, already_paused, not_enrolled.';
grant execute on function drip.pause_enrollment(text, text, text, text) to drip_app;
