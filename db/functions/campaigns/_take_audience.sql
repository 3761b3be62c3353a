-- Reads a registered view once per campaign, when planning begins: chunks that read it again would
-- see it change, and a slow one a hundred times. Changes of the campaign meanwhile are noticed;
-- while an application has locked its row, the view is read again later.
create function drip._take_audience(p_campaign drip.campaigns) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  v_now constant timestamptz := drip.now();
  v_members bigint;
begin
  delete from drip.campaign_audience a where a.campaign_id = p_campaign.id;
  insert into drip.campaign_audience (user_id, campaign_id, lead_id, is_excluded)
  select p_campaign.user_id, p_campaign.id, m.lead_id, m.is_excluded
  from drip._campaign_members(p_campaign, 0, null) m;
  get diagnostics v_members = row_count;

  perform from drip.campaigns c where c.id = p_campaign.id for no key update skip locked;
  if not found then
    delete from drip.campaign_audience a where a.campaign_id = p_campaign.id;
    return;
  end if;
  update drip.campaigns c
  set audience_taken_at = v_now,
    audience_count = v_members,
    began_at = v_now,
    began_definition = drip._campaign_definition(c.id),
    expand_attempts = 0,
    last_error = null,
    last_run_at = v_now
  where c.id = p_campaign.id
    and drip._wants_taking(c)
    and (c.niche, c.target_status, c.audience, c.everyone, c.exclude)
      is not distinct from
      (p_campaign.niche, p_campaign.target_status, p_campaign.audience, p_campaign.everyone,
       p_campaign.exclude);
  if not found then
    delete from drip.campaign_audience a where a.campaign_id = p_campaign.id;
  end if;
end
$$;
comment on function drip._take_audience(drip.campaigns) is
  'Stores the members of a campaign''s registered audience in campaign_audience.';
