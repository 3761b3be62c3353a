-- p_who: all; wanted, without the excluded; or excluded, only those.
create function drip._campaign_members(
  p_campaign drip.campaigns, p_after bigint, p_limit bigint, p_only bigint default null,
  p_who text default 'all')
returns table (lead_id bigint, is_excluded boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if drip._is_audience_taken(p_campaign) then
    return query
      select t.*
      from drip._taken_members(p_campaign.id, p_after, p_limit, p_only, p_who) t;
    return;
  end if;
  return query execute
    'select l.id, '
    || case when p_campaign.exclude is not null then 'x.lead_id is not null' else 'false' end
    || ' from drip.leads l'
    || case when p_campaign.audience is not null
         then ' join drip._audience_leads($6, $1, $7) a (lead_id) on a.lead_id = l.id' else '' end
    || case when p_campaign.exclude is not null
         then ' left join drip._audience_leads($8, $1, $7) x (lead_id) on x.lead_id = l.id'
         else '' end
    -- the number of an erased lead
    || ' where l.user_id = $1 and l.id > $2 and not l.is_tester'
    || ' and not starts_with(l.phone, ''+999'')'
    || case when p_campaign.niche is not null
         then ' and drip._has_token(l.niche, $3)' else '' end
    || case when p_campaign.target_status <> 'all' then ' and l.target_status = $4' else '' end
    || case when p_only is not null then ' and l.id = $7' else '' end
    || case
         when p_who = 'all' then ''
         when p_campaign.exclude is null and p_who = 'excluded' then ' and false'
         when p_campaign.exclude is null then ''
         when p_who = 'excluded' then ' and x.lead_id is not null'
         else ' and x.lead_id is null'
       end
    || ' order by l.id limit $5'
  using
    p_campaign.user_id, p_after, p_campaign.niche, p_campaign.target_status, p_limit,
    p_campaign.audience, p_only, p_campaign.exclude;
end
$$;
comment on function drip._campaign_members(drip.campaigns, bigint, bigint, bigint, text) is
  'The leads that match a campaign after a lead id, in id order, and whether its exclude names them;
   with p_only that lead alone. Includes contacts who have opted out.';

-- The table has no statistics yet when the first chunk reads it.
create function drip._taken_members(
  p_campaign_id bigint, p_after bigint, p_limit bigint, p_only bigint, p_who text)
returns table (lead_id bigint, is_excluded boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return query
    select a.lead_id, a.is_excluded
    from drip.campaign_audience a
    where a.campaign_id = p_campaign_id
      and a.lead_id > greatest(p_after, p_only - 1)
      and (p_only is null or a.lead_id = p_only)
      and (p_who = 'all' or a.is_excluded = (p_who = 'excluded'))
    order by a.lead_id
    limit p_limit;
end
$$;
comment on function drip._taken_members(bigint, bigint, bigint, bigint, text) is
  'The same from campaign_audience.';
