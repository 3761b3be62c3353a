-- Ends a pause early, by the policies of resume_sequence; a pause that ends by itself uses shift.
-- Campaigns and single messages keep their times.
create function drip.resume_lead(p_phone text, p_policy text default 'shift')
returns table (
  lead_id bigint, phone text, freed integer, outcome text, moved bigint, skipped bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_policy constant text := drip._resume_policy(p_policy);
  v_now constant timestamptz := drip.now();
  v_lead drip.leads := drip._find_lead(drip._tenant(), p_phone);
  v_resumed jsonb := '[0, 0, 0]';
begin
  perform drip._require_role('drip_app');
  select l.*
  into v_lead
  from drip.leads l
  where l.id = v_lead.id
  for no key update;
  perform set_config('drip.resume_policy', v_policy, true);
  update drip.leads l
  set paused_until = null, pause_reason = null,
    enroll_check = l.trigger is not null or l.niche is not null
  where l.id = v_lead.id and l.paused_until is not null;
  if found then
    v_resumed := current_setting('drip.resumed')::jsonb;
  end if;
  perform set_config('drip.resume_policy', '', true);
  return query
    select
      v_lead.id, v_lead.phone, (v_resumed ->> 2)::integer,
      case when v_lead.paused_until > v_now then 'resumed' else 'not_paused' end,
      (v_resumed ->> 0)::bigint, (v_resumed ->> 1)::bigint;
end
$$;
comment on function drip.resume_lead(text, text) is
  'Ends the pause of a lead; freed counts the messages it deferred. p_policy for the coming steps of
   its journeys: shift (times move by the length of the pause), catch_up (times stay), skip (overdue
   messages are skipped, those of campaigns too). Outcome: resumed, not_paused.';
grant execute on function drip.resume_lead(text, text) to drip_app;
