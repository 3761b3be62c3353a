-- The caller says what the pause does to pending messages, so that none floods contacts by
-- accident.
create function drip.resume_sequence(p_sequence text, p_policy text default 'shift')
returns table (sequence_id bigint, status text, moved bigint, skipped bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_policy constant text := drip._resume_policy(p_policy);
  v_resumed jsonb := '[0, 0]';
  v_outcome text := 'already_active';
begin
  perform drip._require_role('drip_app');
  if v_sequence.status not in ('active', 'paused') then
    perform drip._fail(
      'DR005',
      format('the sequence %s is %s', quote_literal(v_sequence.name), v_sequence.status),
      'Only a paused sequence can be resumed; start_sequence starts a draft.');
  end if;
  perform set_config('drip.resume_policy', v_policy, true);
  update drip.sequences s
  set status = 'active', status_reason = null
  where s.id = v_sequence.id and s.status = 'paused';
  if found then
    v_outcome := 'resumed';
    v_resumed := current_setting('drip.resumed')::jsonb;
    perform drip._audit(
      v_sequence.user_id, 'resume_sequence', 'sequence', v_sequence.id, null,
      jsonb_build_object('policy', v_policy));
  end if;
  perform set_config('drip.resume_policy', '', true);
  return query
    select v_sequence.id, 'active', (v_resumed ->> 0)::bigint, (v_resumed ->> 1)::bigint, v_outcome;
end
$$;
comment on function drip.resume_sequence(text, text) is
  'Resumes a paused sequence. p_policy: shift (times move by the length of the pause), catch_up
   (times stay), skip (overdue messages are skipped). Outcomes: resumed, already_active.';
grant execute on function drip.resume_sequence(text, text) to drip_app;
