-- Leads enroll from now on. The sweep enrolls those that match already, at once; this transaction
-- touches no lead.
create function drip.start_sequence(p_sequence text, p_include_existing boolean default false)
returns table (sequence_id bigint, name text, status text, matching bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence drip.sequences := drip._find_sequence(p_sequence);
  v_outcome text := 'started';
  v_token text;
begin
  perform drip._require_role('drip_app');
  if v_sequence.status = 'paused' then
    perform drip._fail(
      'DR005', format('the sequence %s is paused', quote_literal(v_sequence.name)),
      'Use resume_sequence(…, policy); the policy decides about pending messages.');
  end if;
  if v_sequence.status = 'active' then
    v_outcome := 'already_active';
  end if;
  update drip.sequences s
  set status = 'active',
    status_reason = case when v_outcome = 'started' then null else s.status_reason end,
    include_existing = s.include_existing or coalesce(p_include_existing, false)
  where s.id = v_sequence.id
  returning s.* into v_sequence;
  v_token := drip._entry_token(v_sequence);
  if v_outcome = 'started' then
    perform drip._check_sequence_texts(v_sequence.id);
    perform drip._check_reach(v_sequence.id);
    perform drip._audit(
      v_sequence.user_id, 'start_sequence', 'sequence', v_sequence.id, null,
      jsonb_build_object('include_existing', v_sequence.include_existing));
  end if;
  return query
    select
      v_sequence.id, v_sequence.name, v_sequence.status,
      (select count(*)
       from drip.leads l
       where l.user_id = v_sequence.user_id
         and drip._matches_sequence(l, v_sequence, v_token)),
      v_outcome;
end
$$;
comment on function drip.start_sequence(text, boolean) is
  'Activates a sequence. matching counts the leads that match it now; p_include_existing lets
   auto_enroll niche take leads older than the start. Outcomes: started, already_active. DR006
   without a trigger, DR007 without steps, DR017 for an attribute that no lead has, DR020 for a
   chain of triggers that leads back to it.';
grant execute on function drip.start_sequence(text, boolean) to drip_app;
