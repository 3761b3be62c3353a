-- Removes one contact from one sequence; a phone that is not in it is no error.
create function drip.exit_lead(
  p_sequence text, p_phone text, p_reason text default null, p_key text default '')
returns table (enrollment_id bigint, lead_id bigint, outcome text, cancelled integer)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_phone constant text := (
    select drip._normalize_phone(p_phone, u.default_region)
    from drip.users u
    where u.id = v_sequence.user_id);
  v_lead constant bigint := (
    select l.id
    from drip._lead_of_phone(v_sequence.user_id, v_phone) l);
  v_live constant bigint[] := array(
    select e.id
    from drip.sequence_contacts e
    where e.sequence_id = v_sequence.id
      and e.lead_id = v_lead
      and e.key = coalesce(p_key, '')
      and e.completed_at is null);
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  return query
    select x.enrollment_id, x.lead_id, 'exited', x.cancelled
    from drip._exit_enrollments(v_live, coalesce(nullif(btrim(p_reason), ''), 'exit_lead')) x;
  if not found then
    return query select null::bigint, v_lead, 'not_enrolled', 0;
  end if;
end
$$;
comment on function drip.exit_lead(text, text, text, text) is
  'Ends the lead''s journey through a sequence and cancels its pending messages. Outcomes: exited,
   not_enrolled.';
grant execute on function drip.exit_lead(text, text, text, text) to drip_app;
