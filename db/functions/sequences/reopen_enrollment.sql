-- A reply ends a journey automatically, so a person must be able to undo that: the messages that
-- the exit cancelled are pending again, and the time in between does not count.
create function drip.reopen_enrollment(
  p_sequence text, p_phone text, p_key text default '', p_reason text default null)
returns table (enrollment_id bigint, outcome text, messages bigint, next_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_lead constant drip.leads := drip._find_lead(v_sequence.user_id, p_phone);
  v_enrollment drip.sequence_contacts;
  v_messages bigint;
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  -- an edit of the steps comes entirely before or after
  perform from drip.sequences s where s.id = v_sequence.id for key share;
  select e.*
  into v_enrollment
  from drip.sequence_contacts e
  where e.sequence_id = v_sequence.id and e.lead_id = v_lead.id and e.key = coalesce(p_key, '')
  order by e.completed_at is null desc, e.id desc
  limit 1
  for no key update;
  if v_enrollment.id is null then
    perform drip._fail(
      'DR012', pg_catalog.format('the lead was never enrolled in %s', v_sequence.name),
      'enroll_lead(sequence, phone) enrolls it.');
  end if;
  if v_enrollment.completed_at is null then
    return query
      select v_enrollment.id, 'already_live'::text, 0::bigint, v_enrollment.next_trigger_time;
    return;
  end if;
  if v_enrollment.status <> 'exited' then
    perform drip._fail(
      'DR005', pg_catalog.format('the journey has ended as %s', v_enrollment.status),
      'Only an exited journey can be reopened.');
  end if;
  if v_sequence.status = 'archived' then
    perform drip._fail('DR005', 'the sequence is archived', 'Enroll the lead in another one.');
  end if;
  if drip._is_stopped(v_lead.user_id, v_lead.phone, v_sequence.category) then
    return query select v_enrollment.id, 'suppressed'::text, 0::bigint, null::timestamptz;
    return;
  end if;
  if v_enrollment.exclusive_group is not null and exists (
    select from drip.sequence_contacts o
    where o.user_id = v_lead.user_id and o.lead_id = v_lead.id
      and o.exclusive_group = v_enrollment.exclusive_group and o.completed_at is null)
  then
    return query select v_enrollment.id, 'exclusive'::text, 0::bigint, null::timestamptz;
    return;
  end if;

  begin
    with again as (
      select m.id
      from drip.broadcast_messages m
      where m.sequence_contact_id = v_enrollment.id
        and m.status = 'cancelled'
        -- an exit cancels messages before it ends the journey
        and m.status_reason in (
          v_enrollment.exit_reason,
          case v_enrollment.exit_reason when 'opted_out' then 'suppressed' end)
      order by m.id
      for no key update
    )
    update drip.broadcast_messages m
    set status = 'pending', status_reason = null, finished_at = null
    from again a
    where m.id = a.id;
    update drip.sequence_contacts e
    set status = 'active', exit_reason = null, completed_at = null
    where e.id = v_enrollment.id;
    perform set_config('drip.resume_policy', '', true);
    perform drip._resume_messages(
      array[v_enrollment.id], array[v_enrollment.completed_at], drip.now());
    -- the steps may have changed meanwhile
    perform drip._replan_journeys(
      v_sequence.id, drip._steps_in_use(v_sequence.id), v_enrollment.id);
    select count(*)
    into v_messages
    from drip.broadcast_messages m
    where m.sequence_contact_id = v_enrollment.id and m.status = 'pending';
    if v_messages = 0 then
      raise exception using errcode = 'DR999';
    end if;
  exception
    when sqlstate 'DR999' then
      return query select v_enrollment.id, 'nothing_left'::text, 0::bigint, null::timestamptz;
      return;
  end;
  perform drip._audit(
    v_lead.user_id, 'reopen_enrollment', 'enrollment', v_enrollment.id, p_reason);
  return query
    select e.id, 'reopened'::text, v_messages, e.next_trigger_time
    from drip.sequence_contacts e
    where e.id = v_enrollment.id;
end
$$;
comment on function drip.reopen_enrollment(text, text, text, text) is
  'Undoes the exit of a journey, as after a false reply: its messages are pending again, by the
   present steps and later by the time in between. Outcome: reopened, already_live, nothing_left,
   suppressed, exclusive.';
grant execute on function drip.reopen_enrollment(text, text, text, text) to drip_app;
