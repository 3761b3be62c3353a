-- By each lead's local time: the first zone reaches a time up to 26 hours before the last.
create function drip._expands_at(p_campaign drip.campaigns) returns timestamptz
language sql immutable parallel safe
as $$
  select p_campaign.scheduled_at
    - case when p_campaign.local_time_per_lead then interval '26 hours' else interval '0' end
$$;
comment on function drip._expands_at(drip.campaigns) is
  'When the messages of a campaign are planned.';
