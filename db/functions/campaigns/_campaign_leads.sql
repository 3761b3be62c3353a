-- The one answer to who is in a campaign's audience: niche and target_status from the lead,
-- registered views by their key. Views are named at run time, hence execute; their names come from
-- the catalog, their columns from a check constraint.
create function drip._campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint)
returns setof drip.leads
language plpgsql stable
set search_path = ''
as $$
begin
  return query execute
    'select l.* from drip.leads l'
    ' where l.user_id = $1 and l.id > $2'
    || case when p_campaign.niche is not null
         then ' and drip._has_token(l.niche, $3)' else '' end
    || case when p_campaign.target_status <> 'all' then ' and l.target_status = $4' else '' end
    || coalesce(' and ' || drip._in_audience(p_campaign.audience), '')
    || coalesce(' and not ' || drip._in_audience(p_campaign.exclude), '')
    || ' order by l.id limit $5'
  using
    p_campaign.user_id, p_after, p_campaign.niche, p_campaign.target_status, p_limit;
end
$$;
comment on function drip._campaign_leads(drip.campaigns, bigint, bigint) is
  'The next leads of a campaign''s audience after a lead id, in id order; a null limit gives all.';

create function drip._in_audience(p_audience text) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  v_key text := (select a.key_column from drip.audiences a where a.name = p_audience);
  v_view regclass := coalesce(
    to_regclass(p_audience),
    to_regclass('public.' || quote_ident(p_audience)),
    to_regclass('drip.' || quote_ident(p_audience)));
begin
  if p_audience is null then
    return null;
  end if;
  if v_view is null or v_key is null then
    perform drip._fail(
      'DR012', format('the view of the audience %s is gone', quote_literal(p_audience)),
      'Make the view again, or change the campaign.');
  end if;
  return format(
    'exists (select from %s a where a.%I::text = l.%I::text)',
    v_view, v_key, case v_key when 'lead_id' then 'id' else v_key end);
end
$$;
comment on function drip._in_audience(text) is
  'The SQL condition that a lead l is in a registered audience; null for none.';
