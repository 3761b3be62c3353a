-- A patch: only the named columns change. Pending messages of a running campaign follow in the same
-- transaction (by the trigger, so that a plain UPDATE has the same effect); comparing the messages
-- before and after shows the effect. The rehearsal is the edit itself, rolled back.
create function drip.update_campaign(
  p_campaign text, p_changes jsonb, p_dry_run boolean default false)
returns table (
  campaign_id bigint, title text, status text, changed text[], moved bigint, gained bigint,
  lost bigint, outcome text, lead_id bigint, message_id bigint, at_before timestamptz,
  at_after timestamptz, device_before bigint, device_after bigint, reason text, applied boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_hours constant text[] := array['send_from', 'send_to', 'send_days'];
  c_plan constant text[] := array[
    'scheduled_at', 'local_time_per_lead', 'category', 'devices', 'per_device_limit'];
  v_dry_run constant boolean := coalesce(p_dry_run, false);
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_by_hours boolean;
  v_old jsonb;
  v_values jsonb;
  v_changed text[];
  v_before record;
  v_after record;
  v_outcomes text[] := '{}';
  v_counts bigint[] := '{0, 0, 0}';
  v_title text;
  v_constraint text;
  v_detail text;
begin
  perform drip._require_role('drip_app');
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "food"}.');
  end if;
  perform drip._check_json(p_changes, 'definition', 'p_changes');
  -- Planning locks the row: once we have it, the status is final.
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
  v_by_hours := v_values ?| c_hours;
  if v_values ?| c_plan then
    perform drip._lock_followers(v_campaign);
  end if;
  if v_by_hours or v_values ?| c_plan then
    select s.* into v_before from drip._campaign_standing(v_campaign.id, v_by_hours, null) s;
  end if;
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.campaigns c set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.campaigns, $1)) where c.id = $2',
        drip._column_list(v_values))
      using v_values, v_campaign.id;
    end if;
    select coalesce(array_agg(n.key order by n.key), '{}')
    into v_changed
    from jsonb_each(drip._campaign_definition(v_campaign.id)) as n (key, value)
    where n.value is distinct from v_old -> n.key;
    if v_changed && (c_hours || c_plan) then
      select s.*
      into v_after
      from drip._campaign_standing(
        v_campaign.id, v_by_hours, coalesce(v_before.ids, '{}')) s;
      v_outcomes := array(
        select case
          when m.was = 'skipped' and m.state = 'pending' then 'gains'
          -- a message that was in flight may be pending again meanwhile
          when m.was in ('pending', 'processing') and m.state = 'skipped' then 'loses'
          when m.state = 'pending' and (m.at, m.device_id) is distinct from (m.was_at, m.was_on)
            then 'moves'
        end
        from unnest(
          v_before.states, v_before.times, v_before.devices,
          v_after.states, v_after.times, v_after.devices)
          with ordinality as m (was, was_at, was_on, state, at, device_id, place)
        order by m.place);
      select array[
        count(*) filter (where o.outcome = 'moves'), count(*) filter (where o.outcome = 'gains'),
        count(*) filter (where o.outcome = 'loses')]
      into v_counts
      from unnest(v_outcomes) as o (outcome);
    end if;
    select c.title into v_title from drip.campaigns c where c.id = v_campaign.id;
    if cardinality(v_changed) > 0 then
      perform drip._audit(
        v_campaign.user_id, 'update_campaign', 'campaign', v_campaign.id, null,
        p_changes || jsonb_build_object('follows', to_jsonb(v_counts)));
    end if;
    if v_dry_run then
      raise exception using errcode = 'DR999';
    end if;
  exception
    when sqlstate 'DR999' then
      null;
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  return query
    select
      v_campaign.id, v_title, v_campaign.status, v_changed, v_counts[1], v_counts[2], v_counts[3],
      case
        when cardinality(v_changed) = 0 then 'unchanged'
        when v_dry_run then 'dry_run'
        else 'updated'
      end,
      null::bigint, null::bigint, null::timestamptz, null::timestamptz, null::bigint,
      null::bigint, null::text, not v_dry_run;
  if v_counts <> '{0, 0, 0}' then
    return query
      select
        v_campaign.id, v_title, v_campaign.status, null::text[], null::bigint, null::bigint,
        null::bigint, m.outcome, m.lead_id, m.id,
        case when m.outcome <> 'gains' then m.was_at end,
        case when m.outcome <> 'loses' then m.at end,
        case when m.outcome <> 'gains' then m.was_on end,
        case when m.outcome <> 'loses' then m.device_id end,
        case when m.outcome = 'loses' then m.reason end,
        not v_dry_run
      from unnest(
        v_outcomes, v_before.ids, v_before.leads, v_before.times, v_before.devices,
        v_after.times, v_after.devices, v_after.reasons)
        as m (outcome, id, lead_id, was_at, was_on, at, device_id, reason)
      where m.outcome is not null
      order by m.lead_id;
  end if;
end
$$;
comment on function drip.update_campaign(text, jsonb, boolean) is
  'Changes the named settings of a campaign and nothing else. While it runs or is paused, texts
   apply from the next claim; pending messages follow a new time, valid_for, category, priority,
   devices and per_device_limit. The audience cannot change once planning has begun. The first row
   lists in changed what differs and counts the other rows: one for each message whose time or
   device changes (moves), that will be sent after all (gains) or is skipped now (loses, with its
   reason). Times are the planned ones; where hours or days change, the earliest at which it may
   leave, null = never. p_dry_run changes nothing. Outcomes: updated, unchanged, dry_run; moves,
   gains, loses.';
grant execute on function drip.update_campaign(text, jsonb, boolean) to drip_app;

-- Ordered arrays instead of rows: the states of 500,000 messages before and after compare without a
-- join and survive the rollback of the rehearsal. Windows are calculated once per instant and zone.
-- Paused messages keep their planned time.
create function drip._campaign_standing(p_campaign_id bigint, p_by_hours boolean, p_ids bigint[])
returns table (
  ids bigint[], leads bigint[], states text[], reasons text[], devices bigint[],
  times timestamptz[])
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not p_by_hours then
    return query
      select
        array_agg(m.id), array_agg(m.lead_id), array_agg(m.status), array_agg(m.status_reason),
        array_agg(m.device_id), array_agg(m.scheduled_at)
      from (
        select b.id, b.lead_id, b.status, b.status_reason, b.device_id, b.scheduled_at
        from drip.broadcast_messages b
        where b.campaign_id = p_campaign_id
          and case when p_ids is null then b.status <> 'sent' else b.id = any (p_ids) end
        order by b.id
      ) m;
    return;
  end if;
  return query
    with found as materialized (
      select
        b.id, b.lead_id, b.status, b.status_reason, b.device_id, b.scheduled_at,
        case
          when c.status in ('paused', 'failed') or b.lead_id > c.freed_to_lead_id
            or l.paused_until > drip.now() then null
          -- a failed one waits for its retry
          else greatest(
            b.scheduled_at, case when b.failures > 0 then b.not_before end, drip.now())
        end as due_at,
        coalesce(l.time_zone, u.time_zone) as zone
      from drip.broadcast_messages b
      join drip.campaigns c on c.id = b.campaign_id
      join drip.users u on u.id = c.user_id
      left join drip.leads l on l.id = b.lead_id
      where b.campaign_id = p_campaign_id
        and case when p_ids is null then b.status <> 'sent' else b.id = any (p_ids) end
    ),
    opens as materialized (
      select
        d.due_at, d.zone,
        drip._window_opens_at(
          d.due_at, d.zone, p.window_from, p.window_to, p.window_days, p.skip_weekends) as at
      from (select distinct f.due_at, f.zone from found f where f.due_at is not null) d
      join drip.campaigns c on c.id = p_campaign_id
      join drip.users u on u.id = c.user_id
      cross join lateral drip._program_window(
        c.send_from, c.send_to, c.send_days, null, null, null, false,
        u.send_from, u.send_to, u.send_days) p
    )
    select
      array_agg(m.id), array_agg(m.lead_id), array_agg(m.status), array_agg(m.status_reason),
      array_agg(m.device_id), array_agg(m.at)
    from (
      select
        f.id, f.lead_id, f.status, f.status_reason, f.device_id,
        case when f.due_at is null then f.scheduled_at else o.at end as at
      from found f
      left join opens o on o.due_at = f.due_at and o.zone = f.zone
      order by f.id
    ) m;
end
$$;
comment on function drip._campaign_standing(bigint, boolean, bigint[]) is
  'The state of the unsent messages of a campaign, or of those named: in the order of their ids,
   with the planned times or, by hours, the earliest at which each may leave.';
