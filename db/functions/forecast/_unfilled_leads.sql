-- Hi , to a thousand contacts is seen too late in the first answer. An empty fallback, as in
-- {name|}, says that it is meant.
create function drip._unfilled_leads(p_campaign drip.campaigns)
returns table (placeholders text, leads bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_paths constant text[] := array(
    select distinct h.path
    from drip._campaign_texts(p_campaign) v
    cross join lateral drip._list_texts(
      case when not drip._has_media(p_campaign.message_type) or v.caption is null
        then v.message end,
      v.caption, v.media_url, v.template, '', '') t
    cross join lateral drip._placeholders(t.text) h
    where h.is_known and h.fallback is null and h.path <> 'phone'
      and coalesce(v.weight, 1) > 0
    order by h.path);
begin
  if v_paths = '{}' then
    return;
  end if;
  return query
    with empty as materialized (
      select l.lead_id, p.path
      from (
        select a.id as lead_id, a.name, a.attributes
        from drip._campaign_leads(p_campaign, p_campaign.expanded_to_lead_id, null) a
        where p_campaign.expanded_at is null
        union all
        select l.id, l.name, l.attributes
        from drip.broadcast_messages m
        join drip.leads l on l.id = m.lead_id
        where m.campaign_id = p_campaign.id and m.status = 'pending'
      ) l
      cross join unnest(v_paths) as p (path)
      where drip._is_unfilled(p.path, null, l.name, null, l.attributes, null)
    )
    select
      (select string_agg('{' || q.path || '}', ' and ' order by q.path)
       from (select distinct e.path from empty e) q),
      count(distinct e.lead_id)
    from empty e
    having count(*) > 0;
end
$$;
comment on function drip._unfilled_leads(drip.campaigns) is
  'The placeholders without a fallback that stay empty for leads who are still to get a campaign,
   and for how many leads; no row if none does.';
