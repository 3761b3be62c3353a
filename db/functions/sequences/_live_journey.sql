-- Locked until the transaction ends, so that the verb reports its real state.
create function drip._live_journey(p_sequence drip.sequences, p_phone text, p_key text)
returns drip.sequence_contacts
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phone constant text := drip._expect_phone(p_sequence.user_id, p_phone);
  v_enrollment drip.sequence_contacts;
  v_lead bigint;
begin
  perform drip._check_key(p_key, 'p_key');
  select l.id
  into v_lead
  from drip._lead_of_phone(p_sequence.user_id, v_phone) l;
  select e.*
  into v_enrollment
  from drip.sequence_contacts e
  where e.sequence_id = p_sequence.id
    and e.lead_id = v_lead
    and e.key = coalesce(p_key, '')
    and e.completed_at is null
  for no key update;
  v_enrollment.lead_id := v_lead;
  return v_enrollment;
end
$$;
comment on function drip._live_journey(drip.sequences, text, text) is
  'The live enrollment of a phone in a sequence; without one only its lead_id, if there is a lead.';
