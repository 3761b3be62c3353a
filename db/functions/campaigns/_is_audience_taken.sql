-- True between storing a registered audience and the end of planning.
create function drip._is_audience_taken(p_campaign drip.campaigns) returns boolean
language sql immutable parallel safe
as $$
  select p_campaign.audience_taken_at is not null
    and p_campaign.expanded_at is null
    and p_campaign.status in ('pending', 'triggered', 'paused', 'failed')
$$;
comment on function drip._is_audience_taken(drip.campaigns) is
  'Whether campaign_audience has the members of the campaign''s audience.';
