-- A patch: only the named columns change, and only before the first message is planned.
create function drip.update_campaign(p_campaign text, p_changes jsonb)
returns table (campaign_id bigint, title text, status text, changed text[], outcome text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_old jsonb;
  v_values jsonb;
  v_changed text[];
  v_constraint text;
  v_detail text;
begin
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "…"}.');
  end if;
  -- The expansion holds the row while it plans: afterwards the status is what it left.
  select c.*
  into v_campaign
  from drip.campaigns c
  where c.id = v_campaign.id
  for no key update;
  if v_campaign.status not in ('draft', 'pending') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'Only drafts and campaigns that have not begun can be changed.');
  end if;
  v_old := drip._campaign_definition(v_campaign.id);
  v_values := drip._campaign_values(v_campaign.user_id, p_changes, true);
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.campaigns c set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.campaigns, $1)) where c.id = $2',
        drip._column_list(v_values))
      using v_values, v_campaign.id;
    end if;
  exception
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  select coalesce(array_agg(n.key order by n.key), '{}')
  into v_changed
  from jsonb_each(drip._campaign_definition(v_campaign.id)) as n (key, value)
  where n.value is distinct from v_old -> n.key;
  if cardinality(v_changed) > 0 then
    perform drip._audit(
      v_campaign.user_id, 'update_campaign', 'campaign', v_campaign.id, null, p_changes);
  end if;
  return query
    select
      c.id, c.title, c.status, v_changed,
      case when cardinality(v_changed) > 0 then 'updated' else 'unchanged' end
    from drip.campaigns c
    where c.id = v_campaign.id;
end
$$;
comment on function drip.update_campaign(text, jsonb) is
  'Changes the named settings of a campaign that has not begun, and nothing else. changed lists
   what differs now. Outcomes: updated, unchanged.';
grant execute on function drip.update_campaign(text, jsonb) to drip_app;
