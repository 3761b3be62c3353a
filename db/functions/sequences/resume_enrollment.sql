-- The policies of resume_sequence; a pause of its sequence or its lead continues.
create function drip.resume_enrollment(
  p_sequence text, p_phone text, p_policy text default 'shift', p_key text default '')
returns table (
  enrollment_id bigint, lead_id bigint, moved bigint, skipped bigint, next_at timestamptz,
  outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_policy constant text := drip._resume_policy(p_policy);
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_enrollment constant drip.sequence_contacts := drip._live_journey(v_sequence, p_phone, p_key);
  v_resumed jsonb := '[0, 0]';
  v_outcome text := 'not_paused';
begin
  perform drip._require_role('drip_app');
  if v_enrollment.id is null then
    return query
      select null::bigint, v_enrollment.lead_id, 0::bigint, 0::bigint, null::timestamptz,
        'not_enrolled';
    return;
  end if;
  perform set_config('drip.resume_policy', v_policy, true);
  update drip.sequence_contacts e
  set paused_at = null, pause_reason = null
  where e.id = v_enrollment.id and e.paused_at is not null;
  if found then
    v_outcome := 'resumed';
    v_resumed := current_setting('drip.resumed')::jsonb;
    perform drip._audit(
      v_sequence.user_id, 'resume_enrollment', 'enrollment', v_enrollment.id, null,
      jsonb_build_object('policy', v_policy));
  end if;
  perform set_config('drip.resume_policy', '', true);
  return query
    select
      e.id, e.lead_id, (v_resumed ->> 0)::bigint, (v_resumed ->> 1)::bigint,
      e.next_trigger_time, v_outcome
    from drip.sequence_contacts e
    where e.id = v_enrollment.id;
end
$$;
comment on function drip.resume_enrollment(text, text, text, text) is
  'Resumes a paused journey. p_policy: shift (times move by the length of the pause), catch_up
   (times stay), skip (overdue messages are skipped). Outcomes: resumed, not_paused, not_enrolled.';
grant execute on function drip.resume_enrollment(text, text, text, text) to drip_app;
