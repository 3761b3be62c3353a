-- After an error it waits half a minute longer each time.
create function drip._is_expansion_due(p_campaign drip.campaigns, p_now timestamptz)
returns boolean
language sql immutable parallel safe
as $$
  select p_campaign.expanded_at is null
    and p_campaign.status in ('pending', 'triggered')
    and drip._expands_at(p_campaign) <= p_now
    -- a resume first frees what is planned, or it would treat new messages as old
    and p_campaign.freed_to_lead_id is null
    and (p_campaign.expand_attempts = 0
         or p_campaign.last_run_at + p_campaign.expand_attempts * interval '30 seconds' <= p_now)
$$;
comment on function drip._is_expansion_due(drip.campaigns, timestamptz) is
  'True when messages of the campaign are to be planned now.';
