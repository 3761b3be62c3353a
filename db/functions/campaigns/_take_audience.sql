-- A registered view is read once a campaign, when planning begins: chunks that read it anew would
-- see it change, and a heavy one a hundred times. Whoever changed the campaign meanwhile is heard;
-- while an application holds its row, it is read another time.
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
  'Writes the members of a campaign''s registered audience to campaign_audience.';

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
  'True when the registered audience of the campaign is to be read before it is planned.';

create function drip._prune_audiences(p_limit integer) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  with over as (
    select a.campaign_id, a.lead_id
    from drip.campaign_audience a
    join drip.campaigns c on c.id = a.campaign_id
    where c.expanded_at is not null or c.status in ('cancelled', 'completed')
    limit p_limit
    for update of a skip locked
  )
  delete from drip.campaign_audience a
  using over o
  where a.campaign_id = o.campaign_id and a.lead_id = o.lead_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._prune_audiences(integer) is
  'Forgets who was in the audiences of campaigns that are planned or over; returns how many.';
