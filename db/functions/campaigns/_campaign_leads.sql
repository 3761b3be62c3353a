-- The single definition of a campaign's audience: niche and target_status of the lead, registered
-- views by their key; once planning has stored the members of a view, those.
create function drip._campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint)
returns setof drip.leads
language sql stable
as $$
  select l.*
  from drip._campaign_members(p_campaign, p_after, p_limit, p_who => 'wanted') m
  join drip.leads l on l.id = m.lead_id
  order by m.lead_id
$$;
comment on function drip._campaign_leads(drip.campaigns, bigint, bigint) is
  'The next leads of a campaign''s audience after a lead id, in id order, without those that its
   exclude names; all of them for a null limit.';
