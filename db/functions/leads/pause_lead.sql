-- Sends a contact nothing for a while, and loses nothing. The trigger on paused_until defers the
-- messages, so that a plain UPDATE has the same effect.
create function drip.pause_lead(
  p_phone text, p_until timestamptz default null, p_reason text default null)
returns table (
  lead_id bigint, phone text, paused_until timestamptz, held integer, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_until timestamptz := coalesce(p_until, 'infinity');
  v_reason text := nullif(btrim(p_reason), '');
  v_lead drip.leads := drip._find_lead(drip._tenant(), p_phone);
  v_outcome text;
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
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
  -- Drivers cannot read infinity.
  return query
    select
      v_lead.id, v_lead.phone, nullif(v_until, 'infinity'),
      (select count(*)::integer
       from drip.broadcast_messages m
       where m.lead_id = v_lead.id and m.status = 'pending'),
      v_outcome;
end
$$;
comment on function drip.pause_lead(text, timestamptz, text) is
  'Sends nothing to the lead until an instant, or until resume_lead for null (then paused_until is
   null as well); its journeys do not count this time. held counts its pending messages. Outcome:
   paused, already_paused.';
grant execute on function drip.pause_lead(text, timestamptz, text) to drip_app;
