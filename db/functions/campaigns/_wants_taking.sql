-- Reading an audience may be slow, so it happens once, before the first chunk.
create function drip._wants_taking(p_campaign drip.campaigns) returns boolean
language sql immutable parallel safe
as $$
  select (p_campaign.audience is not null or p_campaign.exclude is not null)
    and p_campaign.audience_taken_at is null
    and p_campaign.expanded_to_lead_id = 0
    and p_campaign.expanded_at is null
    and p_campaign.status in ('pending', 'triggered')
$$;
comment on function drip._wants_taking(drip.campaigns) is
  'True when the registered audience of the campaign must be read before planning.';
