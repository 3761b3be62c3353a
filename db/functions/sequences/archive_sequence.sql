-- The end of a sequence: live journeys exit, rows stay as the record.
create function drip.archive_sequence(p_sequence text, p_reason text default null)
returns table (sequence_id bigint, status text, exited bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_live bigint;
  v_outcome text := 'already_archived';
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  select count(*)
  into v_live
  from drip.sequence_contacts e
  where e.sequence_id = v_sequence.id and e.completed_at is null;
  update drip.sequences s
  set status = 'archived', status_reason = nullif(btrim(p_reason), '')
  where s.id = v_sequence.id and s.status <> 'archived';
  if found then
    v_outcome := 'archived';
    perform drip._audit(
      v_sequence.user_id, 'archive_sequence', 'sequence', v_sequence.id, p_reason);
  end if;
  return query select v_sequence.id, 'archived', v_live, v_outcome;
end
$$;
comment on function drip.archive_sequence(text, text) is
  'Ends a sequence for good: live journeys exit, their pending messages are cancelled. Outcomes:
   archived, already_archived.';
grant execute on function drip.archive_sequence(text, text) to drip_app;
