-- As _apply_sequence. The campaign keeps the time from schedule_campaign, unless the file names
-- one.
create function drip._apply_campaign(p_user bigint, p_title text, p_definition jsonb)
returns table (
  change text, step integer, step_name text, key text, value_before jsonb, value_after jsonb,
  messages bigint, leads bigint, at_before timestamptz, at_after timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_definition constant jsonb := drip._read_plainly(p_definition, drip._campaign_keys());
  v_id bigint;
  v_copy bigint;
  v_old jsonb;
  v_wanted jsonb;
  v_changes jsonb;
  v_constraint text;
  v_detail text;
begin
  perform drip._read_definition(v_definition, drip._campaign_keys(), '', p_user, true);
  select c.id into v_id from drip.campaigns c where c.user_id = p_user and c.title = p_title;
  if v_id is null then
    return query select 'created', q.* from drip._no_change() q;
    select r.campaign_id into v_id from drip.create_campaign(v_definition) r;
    return query select r.* from drip._reached(v_id) r;
    return;
  end if;
  begin
    v_copy := drip._insert_campaign(
      p_user, v_definition || jsonb_build_object('title', 'the same as ' || v_id || '?'));
    v_wanted := drip._campaign_definition(v_copy)
      - 'title' - case when v_definition ? 'scheduled_at' then '' else 'scheduled_at' end;
    raise exception using errcode = 'DR999';
  exception
    when sqlstate 'DR999' then
      null;
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  v_old := drip._campaign_definition(v_id);
  v_changes := drip._different_keys(v_wanted, v_old);
  if v_changes = '{}' then
    return query select 'unchanged', q.* from drip._no_change() q;
    return;
  end if;
  return query
    select
      'changed', null::integer, null::text, w.key, v_old -> w.key, w.value, null::bigint,
      null::bigint, null::timestamptz, null::timestamptz
    from jsonb_each(v_changes) as w (key, value)
    order by w.key;
  return query
    select
      u.outcome, null::integer, null::text, null::text, null::jsonb, null::jsonb, count(*),
      count(distinct u.lead_id), min(u.at_before), min(u.at_after)
    from drip.update_campaign(v_id::text, v_changes) u
    where u.message_id is not null
    group by u.outcome
    order by u.outcome desc;
  return query select r.* from drip._reached(v_id) r;
end
$$;
comment on function drip._apply_campaign(bigint, text, jsonb) is
  'Applies a file''s definition to one campaign; rows as those of apply_definitions.';

create function drip._reached(p_campaign_id bigint)
returns table (
  change text, step integer, step_name text, key text, value_before jsonb, value_after jsonb,
  messages bigint, leads bigint, at_before timestamptz, at_after timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns;
begin
  select c.* into v_campaign from drip.campaigns c where c.id = p_campaign_id;
  if v_campaign.status in ('draft', 'pending') then
    return query
      select
        'audience', null::integer, null::text, null::text, null::jsonb, null::jsonb, null::bigint,
        count(*), null::timestamptz, null::timestamptz
      from drip._campaign_leads(v_campaign, 0, null) l;
  else
    return query
      select
        'waiting', null::integer, null::text, null::text, null::jsonb, null::jsonb, count(*),
        count(distinct m.lead_id), null::timestamptz, min(m.scheduled_at)
      from drip.broadcast_messages m
      where m.campaign_id = p_campaign_id and m.status = 'pending'
      having count(*) > 0;
  end if;
end
$$;
comment on function drip._reached(bigint) is
  'The row of apply_definitions with the number of contacts that a campaign reaches, or still
   will.';
