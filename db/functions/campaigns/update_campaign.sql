-- A patch: only the named columns change. Of a campaign that runs, what waits follows in the same
-- transaction (the trigger does it, so that a plain UPDATE does the same).
create function drip.update_campaign(
  p_campaign text, p_changes jsonb, p_dry_run boolean default false)
returns table (
  campaign_id bigint, title text, status text, changed text[], moved bigint, gained bigint,
  lost bigint, outcome text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_old jsonb;
  v_values jsonb;
  v_changed text[];
  v_followed jsonb;
  v_title text;
  v_constraint text;
  v_detail text;
begin
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "food"}.');
  end if;
  -- The expansion holds the row while it plans: afterwards the status is what it left.
  select c.*
  into v_campaign
  from drip.campaigns c
  where c.id = v_campaign.id
  for no key update;
  if v_campaign.status in ('completed', 'cancelled') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'A finished one can be copied: get_campaign gives its definition, create_campaign takes it.');
  end if;
  v_old := drip._campaign_definition(v_campaign.id);
  v_values := drip._campaign_values(v_campaign.user_id, p_changes, true);
  perform set_config('drip.followed', '', true);
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.campaigns c set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.campaigns, $1)) where c.id = $2',
        drip._column_list(v_values))
      using v_values, v_campaign.id;
    end if;
    v_followed := coalesce(nullif(current_setting('drip.followed', true), ''), '[0, 0, 0]');
    select coalesce(array_agg(n.key order by n.key), '{}')
    into v_changed
    from jsonb_each(drip._campaign_definition(v_campaign.id)) as n (key, value)
    where n.value is distinct from v_old -> n.key;
    select c.title into v_title from drip.campaigns c where c.id = v_campaign.id;
    if p_dry_run then
      raise exception using errcode = 'DR999';
    end if;
  exception
    when sqlstate 'DR999' then
      null;
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  if cardinality(v_changed) > 0 and not coalesce(p_dry_run, false) then
    perform drip._audit(
      v_campaign.user_id, 'update_campaign', 'campaign', v_campaign.id, null,
      p_changes || jsonb_build_object('follows', v_followed));
  end if;
  return query
    select
      v_campaign.id, v_title, v_campaign.status, v_changed, (v_followed ->> 0)::bigint,
      (v_followed ->> 1)::bigint, (v_followed ->> 2)::bigint,
      case
        when cardinality(v_changed) = 0 then 'unchanged'
        when p_dry_run then 'dry_run'
        else 'updated'
      end;
end
$$;
comment on function drip.update_campaign(text, jsonb, boolean) is
  'Changes the named settings of a campaign and nothing else. Of one that runs or is paused, texts
   count from the next claim; what waits follows a new time, valid_for, category, priority, devices
   and per_device_limit: moved, gained and lost count the messages whose time or device changes,
   that are sent after all, that are skipped now. Its audience is settled once planning has begun.
   changed lists what differs. p_dry_run changes nothing. Outcomes: updated, unchanged, dry_run.';
grant execute on function drip.update_campaign(text, jsonb, boolean) to drip_app;
