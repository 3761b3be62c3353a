-- The inner form of expand_campaigns: with a tenant it serves only that one.
create function drip._expand_campaigns(
  p_limit integer, p_user_id bigint, p_campaign_id bigint default null)
returns table (
  campaign_id bigint, title text, inserted bigint, audience bigint, remaining bigint, status text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_timeout constant interval := pg_catalog.current_setting('statement_timeout')::interval;
  v_limit constant integer := least(greatest(coalesce(p_limit, 5000), 1), 100000);
  v_campaign drip.campaigns;
  v_taken drip.campaigns;
  v_mark constant bigint := drip._audit_mark();
  v_inserted bigint := 0;
  v_others bigint;
begin
  v_campaign := drip._next_expansion(p_user_id, p_campaign_id, v_now);
  if v_campaign.id is null then
    return;
  end if;

  begin
    v_taken := v_campaign;
    if drip._wants_taking(v_campaign) then
      perform drip._take_audience(v_campaign);
      -- plan a small one at once
      select c.*
      into v_taken
      from drip.campaigns c
      where c.id = v_campaign.id and drip._is_audience_taken(c) and c.audience_count <= v_limit
        and drip._is_expansion_due(c, v_now);
    end if;
    if v_taken.id is not null then
      v_inserted := drip._expand_chunk(v_taken, v_limit);
    end if;
  exception
    when query_canceled then
      -- a person who cancels the statement is no failure of the campaign
      if v_timeout = interval '0' or drip._statement_age() < v_timeout then
        raise;
      end if;
      perform drip._note_expansion_error(
        v_campaign.id, 'DR018',
        format(
          '%s took longer than the time-out of %s',
          case when drip._wants_taking(v_campaign) then 'reading the audience' else 'planning' end,
          v_timeout),
        v_now);
    when others then
      perform drip._note_expansion_error(v_campaign.id, sqlstate, sqlerrm, v_now);
  end;

  perform drip._audit_system(v_mark, 'plan_campaign', 'campaign', array[v_campaign.id]);

  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id;
  select count(*)
  into v_others
  from drip.campaigns c
  where c.status in ('pending', 'triggered')
    and (p_user_id is null or c.user_id = p_user_id)
    and c.id <> v_campaign.id
    and drip._is_expansion_due(c, v_now);
  return query
    select
      v_campaign.id, v_campaign.title, v_inserted, v_campaign.audience_count::bigint,
      v_others + case
        when drip._is_expansion_due(v_campaign, v_now)
          and (v_campaign.status = 'triggered' or drip._is_audience_taken(v_campaign))
          then greatest(v_campaign.audience_count - v_campaign.expanded_leads, 1)
        else 0
      end,
      v_campaign.status;
end
$$;
comment on function drip._expand_campaigns(integer, bigint, bigint) is
  'expand_campaigns, for all tenants, for one, or for one campaign.';

-- A campaign whose audience is being read has no lock on its row, so that a pause or a cancel need
-- not wait for a slow view; its lock row keeps other sessions from reading it as well.
create function drip._next_expansion(
  p_user_id bigint, p_campaign_id bigint, p_now timestamptz)
returns drip.campaigns
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
  v_campaign drip.campaigns;
begin
  for v_id in
    select c.id
    from drip.campaigns c
    where c.status in ('pending', 'triggered')
      and (p_user_id is null or c.user_id = p_user_id)
      and (p_campaign_id is null or c.id = p_campaign_id)
      and drip._is_expansion_due(c, p_now)
    order by c.scheduled_at, c.id
  loop
    continue when not drip._try_lock('planning', v_id, 0);
    select c.*
    into v_campaign
    from drip.campaigns c
    where c.id = v_id and drip._is_expansion_due(c, p_now);
    if found and drip._wants_taking(v_campaign) then
      return v_campaign;
    end if;
    select c.*
    into v_campaign
    from drip.campaigns c
    where c.id = v_id and drip._is_expansion_due(c, p_now)
    for no key update skip locked;
    if found then
      return v_campaign;
    end if;
  end loop;
  return null;
end
$$;
comment on function drip._next_expansion(bigint, bigint, timestamptz) is
  'The campaign that is overdue the longest and that no other session is planning, or null.';

create function drip._expand_chunk(p_campaign drip.campaigns, p_limit integer) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := drip.now();
  v_zone constant text := (select u.time_zone from drip.users u where u.id = p_campaign.user_id);
  v_local constant timestamp := p_campaign.scheduled_at at time zone v_zone;
  v_leads bigint[];
  v_excluded bigint[];
  v_last bigint;
  v_placed bigint[];
  v_audience bigint := p_campaign.audience_count;
  v_is_last boolean;
  v_inserted bigint;
  v_devices bigint[];
begin
  if p_campaign.expanded_to_lead_id = 0 and p_campaign.audience_taken_at is null then
    select count(*) into v_audience from drip._campaign_members(p_campaign, 0, null);
  end if;
  select
    coalesce(array_agg(m.lead_id order by m.lead_id) filter (where not m.is_excluded), '{}'),
    coalesce(array_agg(m.lead_id order by m.lead_id) filter (where m.is_excluded), '{}'),
    max(m.lead_id)
  into v_leads, v_excluded, v_last
  from drip._campaign_members(p_campaign, p_campaign.expanded_to_lead_id, p_limit) m;
  v_is_last := cardinality(v_leads) + cardinality(v_excluded) < p_limit;
  v_placed := drip._place_leads(p_campaign.user_id, p_campaign.devices, v_leads, 1);

  with chosen as (
    select
      l.id, l.phone, l.name,
      k.device_id,
      t.at as first_at,
      k.is_excluded,
      case
        when p_campaign.pauses is null then t.at
        else drip._after_pauses(
          t.at, p_campaign.pauses, p_campaign.local_time_per_lead, coalesce(l.time_zone, v_zone))
      end as at,
      exists (
        select
        from drip.suppressions s
        where s.user_id = l.user_id and s.phone_key = l.phone_key
          and drip._stops(s.category, p_campaign.category)) as is_suppressed
    from (
      select w.id, w.device_id, false as is_excluded
      from unnest(v_leads, v_placed) as w (id, device_id)
      union all
      select x.id, null, true
      from unnest(v_excluded) as x (id)
    ) k
    join drip.leads l on l.id = k.id and not starts_with(l.phone, '+999')
    cross join lateral (
      select case
        when p_campaign.local_time_per_lead
          then drip._local_instant(v_local, coalesce(l.time_zone, v_zone))
        else p_campaign.scheduled_at
      end as at
    ) t
  ),
  before as (
    select m.device_id, count(*) as messages
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id and p_campaign.per_device_limit is not null
      and m.status <> 'skipped'
    group by m.device_id
  ),
  placed as (
    select
      c.*,
      case
        when c.is_suppressed then 'suppressed'
        when c.is_excluded then 'excluded'
        when c.at is null then 'skipped_by_resume'
        when coalesce(b.messages, 0)
          + row_number() over (
            partition by c.device_id, c.is_suppressed or c.is_excluded or c.at is null
            order by c.id)
          > p_campaign.per_device_limit then 'campaign_device_limit'
      end as reason
    from chosen c
    left join before b on b.device_id = c.device_id
  ),
  planned as (
    insert into drip.broadcast_messages as m (
      user_id, device_id, lead_id, campaign_id, recipient_phone, recipient_name, category,
      message_type, priority, scheduled_at, planned_at, expires_at, status, status_reason,
      finished_at, created_at)
    select
      p_campaign.user_id, p.device_id, p.id, p_campaign.id, p.phone, p.name,
      p_campaign.category, p_campaign.message_type, p_campaign.priority,
      coalesce(p.at, p.first_at), coalesce(p.at, p.first_at),
      coalesce(p.at, p.first_at) + drip._exactly(p_campaign.valid_for),
      case when p.reason is null then 'pending' else 'skipped' end, p.reason,
      case when p.reason is not null then v_now end, v_now
    from placed p
    order by p.id
    on conflict do nothing
    returning m.device_id, m.status, m.scheduled_at
  )
  select
    count(*),
    array_agg(distinct p.device_id)
      filter (where p.status = 'pending' and p.scheduled_at <= v_now + interval '15 seconds')
  into v_inserted, v_devices
  from planned p;

  if v_is_last then
    select count(*)
    into v_audience
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id;
  end if;
  update drip.campaigns c
  set status = case when v_is_last and v_audience = 0 then 'completed' else 'triggered' end,
    status_reason = case when v_is_last and v_audience = 0 then 'audience is empty' end,
    completed_at = case when v_is_last and v_audience = 0 then v_now end,
    audience_count = v_audience,
    began_at = coalesce(c.began_at, v_now),
    began_definition = coalesce(c.began_definition, drip._campaign_definition(c.id)),
    expanded_to_lead_id = coalesce(v_last, c.expanded_to_lead_id),
    expanded_leads = c.expanded_leads + cardinality(v_leads) + cardinality(v_excluded),
    expanded_at = case when v_is_last then v_now end,
    expand_attempts = 0,
    last_error = null,
    last_run_at = v_now
  where c.id = p_campaign.id;
  perform drip._notify_wake(v_devices);
  return v_inserted;
end
$$;
comment on function drip._expand_chunk(drip.campaigns, integer) is
  'Plans the messages of the next leads of a campaign and records its progress.';
