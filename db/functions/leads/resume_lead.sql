-- Ends a pause before its time; what was due meanwhile goes by its order and the device's pace.
create function drip.resume_lead(p_phone text)
returns table (lead_id bigint, phone text, freed integer, outcome text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_lead drip.leads := drip._find_lead(drip._tenant(), p_phone);
  v_outcome text;
  v_freed integer;
  v_devices bigint[];
begin
  select l.*
  into v_lead
  from drip.leads l
  where l.id = v_lead.id
  for no key update;
  v_outcome := case when v_lead.paused_until > v_now then 'resumed' else 'not_paused' end;
  if v_lead.paused_until is not null then
    update drip.leads l
    set paused_until = null, pause_reason = null,
      enroll_check = l.trigger is not null or l.niche is not null
    where l.id = v_lead.id;
  end if;
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id and m.status = 'pending' and m.deferred_reason = 'lead_paused'
    order by m.id
    for no key update
  ),
  freed as (
    update drip.broadcast_messages m
    set not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id
    returning m.device_id, m.scheduled_at
  )
  select
    count(*),
    array_agg(distinct f.device_id)
      filter (where f.device_id is not null and f.scheduled_at <= v_now + interval '15 seconds')
  into v_freed, v_devices
  from freed f;
  perform drip._sync_enrollments(array(
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = v_lead.id and e.completed_at is null));
  perform drip._notify_wake(v_devices);
  return query select v_lead.id, v_lead.phone, v_freed, v_outcome;
end
$$;
comment on function drip.resume_lead(text) is
  'Ends the pause of a lead; freed counts the messages it held. Outcome: resumed, not_paused.';
grant execute on function drip.resume_lead(text) to drip_app;
