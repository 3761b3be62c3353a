-- Assumes that a draft or a failed campaign is scheduled now, as schedule_campaign would do it.
create function drip._campaign_time(
  p_campaign drip.campaigns, p_zone text, p_lead_zone text)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz := p_campaign.scheduled_at;
begin
  if p_campaign.status in ('draft', 'failed') and p_campaign.expanded_to_lead_id = 0 then
    v_at := greatest(v_at, drip.now());
  end if;
  if p_campaign.local_time_per_lead then
    v_at := drip._local_instant(v_at at time zone p_zone, coalesce(p_lead_zone, p_zone));
  end if;
  if p_campaign.pauses is not null then
    v_at := drip._after_pauses(
      v_at, p_campaign.pauses, p_campaign.local_time_per_lead, coalesce(p_lead_zone, p_zone));
  end if;
  return v_at;
end
$$;
comment on function drip._campaign_time(drip.campaigns, text, text) is
  'When the message of a lead in that zone would be planned for; null = skipped by a resume.';
