-- A person asks for quiet for a while: nothing goes to the lead, and nothing is lost.
create function drip.pause_lead(
  p_phone text, p_until timestamptz default null, p_reason text default null)
returns table (
  lead_id bigint, phone text, paused_until timestamptz, held integer, outcome text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_until timestamptz := coalesce(p_until, 'infinity');
  v_reason text := nullif(btrim(p_reason), '');
  v_lead drip.leads := drip._find_lead(drip._tenant(), p_phone);
  v_held integer;
  v_outcome text;
begin
  if v_until <= v_now then
    perform drip._fail(
      'DR001', 'p_until is not in the future', 'Leave it out to pause until resume_lead.');
  end if;
  perform drip._check_instant(nullif(p_until, 'infinity'), 'p_until');
  select l.*
  into v_lead
  from drip.leads l
  where l.id = v_lead.id
  for no key update;
  v_outcome := case
    when v_lead.paused_until = v_until and v_lead.pause_reason is not distinct from v_reason
      then 'already_paused'
    else 'paused'
  end;
  if v_outcome = 'paused' then
    update drip.leads l
    set paused_until = v_until, pause_reason = v_reason
    where l.id = v_lead.id;
  end if;
  -- A claim that has one of these rows is waited for.
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id and m.status = 'pending'
    order by m.id
    for no key update
  ),
  held as (
    update drip.broadcast_messages m
    set not_before = v_until, deferred_reason = 'lead_paused'
    from locked k
    where m.id = k.id
      and not drip._is_resting(m)
      and (m.not_before is null or m.not_before < v_until or m.deferred_reason = 'lead_paused')
    returning m.id
  )
  select count(*)
  into v_held
  from locked;
  perform drip._sync_enrollments(array(
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = v_lead.id and e.completed_at is null));
  -- Drivers choke on infinity.
  return query
    select v_lead.id, v_lead.phone, nullif(v_until, 'infinity'), v_held, v_outcome;
end
$$;
comment on function drip.pause_lead(text, timestamptz, text) is
  'Sends nothing to the lead until an instant, or until resume_lead for null (then paused_until is
   null as well); held counts its pending messages. Outcome: paused, already_paused.';
grant execute on function drip.pause_lead(text, timestamptz, text) to drip_app;
