-- Who would get which campaign from which device, chunk by chunk like the expansion: the same
-- leads, the same devices, the same reasons for skipped rows. p_most limits the messages of
-- campaigns other than p_own; too_many names those that would exceed it.
create function drip._place_campaigns(
  p_user_id bigint, p_campaigns drip.campaigns[], p_own bigint, p_most bigint,
  out campaigns bigint[], out leads bigint[], out placed bigint[], out reasons text[],
  out too_many bigint[])
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_chunk constant integer := 5000;
  v_campaign drip.campaigns;
  v_room bigint := p_most;
  v_zone constant text := (select u.time_zone from drip.users u where u.id = p_user_id);
  v_leads bigint[];
  v_skipped text[];
  v_excluded boolean[];
  v_lasts bigint[];
  v_chunk bigint[];
  v_wanted bigint[];
  v_wanted_lasts bigint[];
  v_placed bigint[];
  v_reasons text[];
  -- all devices, their backlog, and the campaign's messages on each
  v_devices bigint[];
  v_backlog bigint[];
  v_before bigint[];
begin
  campaigns := '{}';
  leads := '{}';
  placed := '{}';
  reasons := '{}';
  too_many := '{}';
  select array_agg(d.id order by d.id), array_agg(b.messages order by d.id)
  into v_devices, v_backlog
  from drip.user_devices d
  cross join lateral (
    select count(*) as messages
    from drip.broadcast_messages m
    where m.device_id = d.id and m.status = 'pending'
  ) b
  where d.user_id = p_user_id;
  foreach v_campaign in array p_campaigns loop
    select
      array_agg(q.id order by q.id), array_agg(q.reason order by q.id),
      array_agg(q.is_excluded order by q.id)
    into v_leads, v_skipped, v_excluded
    from (
      select
        m.lead_id as id,
        m.is_excluded,
        case
          when s.phone_key is not null then 'suppressed'
          when m.is_excluded then 'excluded'
          when v_campaign.pauses is not null
            and drip._campaign_time(v_campaign, v_zone, l.time_zone) is null
            then 'skipped_by_resume'
        end as reason
      from drip._campaign_members(
        v_campaign, v_campaign.expanded_to_lead_id,
        case when v_campaign.id is distinct from p_own then v_room + 1 end) m
      join drip.leads l on l.id = m.lead_id
      left join (
        select distinct o.phone_key
        from drip.suppressions o
        where o.user_id = p_user_id and drip._stops(o.category, v_campaign.category)
      ) s on s.phone_key = l.phone_key
    ) q;
    continue when v_leads is null;
    if v_campaign.id is distinct from p_own then
      if cardinality(v_leads) > v_room then
        too_many := too_many || v_campaign.id;
        continue;
      end if;
      v_room := v_room - cardinality(v_leads);
    end if;
    v_backlog := drip._backlog_at(
      p_user_id, drip._expands_at(v_campaign), v_devices, v_backlog, campaigns, leads, placed,
      reasons);
    v_before := array(
      select case when v_campaign.per_device_limit is not null then (
        select count(*)
        from drip.broadcast_messages m
        where m.campaign_id = v_campaign.id and m.device_id = d.id and m.status <> 'skipped')
      else 0 end
      from unnest(v_devices) with ordinality as d (id, place)
      order by d.place);
    v_lasts := case when leads <> '{}' then array(
      select o.device_id
      from unnest(v_leads) with ordinality as k (id, place)
      left join (
        select distinct on (p.lead_id) p.lead_id, p.device_id
        from unnest(leads, placed) with ordinality as p (lead_id, device_id, place)
        order by p.lead_id, p.place desc
      ) o on o.lead_id = k.id
      order by k.place) end;
    for i in 0 .. (cardinality(v_leads) - 1) / c_chunk loop
      v_chunk := v_leads[i * c_chunk + 1 : (i + 1) * c_chunk];
      select
        coalesce(array_agg(k.id order by k.place), '{}'),
        array_agg(k.last_id order by k.place)
      into v_wanted, v_wanted_lasts
      from unnest(
        v_chunk, v_excluded[i * c_chunk + 1 : (i + 1) * c_chunk],
        v_lasts[i * c_chunk + 1 : (i + 1) * c_chunk])
        with ordinality as k (id, is_excluded, last_id, place)
      where not k.is_excluded;
      v_placed := drip._place_leads(
        v_campaign.user_id, v_campaign.devices, v_wanted, 1, v_devices, v_backlog,
        v_wanted_lasts);
      if true = any (v_excluded[i * c_chunk + 1 : (i + 1) * c_chunk]) then
        v_placed := array(
          select case when not k.is_excluded then v_placed[
            count(*) filter (where not k.is_excluded) over (order by k.place)] end
          from unnest(v_excluded[i * c_chunk + 1 : (i + 1) * c_chunk])
            with ordinality as k (is_excluded, place)
          order by k.place);
      end if;
      v_reasons := v_skipped[i * c_chunk + 1 : (i + 1) * c_chunk];
      if v_campaign.per_device_limit is not null then
        v_reasons := array(
          select case
            when k.reason is not null then k.reason
            when coalesce(v_before[array_position(v_devices, k.device_id)], 0)
                + row_number() over (
                  partition by k.device_id, k.reason is not null order by k.place)
                > v_campaign.per_device_limit then 'campaign_device_limit'
          end
          from unnest(v_placed, v_reasons) with ordinality as k (device_id, reason, place)
          order by k.place);
      end if;
      -- the next chunk counts these in the queues
      select
        array_agg(t.backlog + coalesce(n.messages, 0) order by t.place),
        array_agg(t.before + coalesce(n.messages, 0) order by t.place)
      into v_backlog, v_before
      from unnest(v_devices, v_backlog, v_before)
        with ordinality as t (device_id, backlog, before, place)
      left join (
        select k.device_id, count(*) as messages
        from unnest(v_placed, v_reasons) as k (device_id, reason)
        where k.reason is null
        group by k.device_id
      ) n on n.device_id = t.device_id;
      leads := leads || v_chunk;
      placed := placed || v_placed;
      reasons := reasons || v_reasons;
    end loop;
    campaigns := campaigns || array_fill(v_campaign.id, array[cardinality(v_leads)]);
  end loop;
end
$$;
comment on function drip._place_campaigns(
  bigint, drip.campaigns[], bigint, bigint) is
  'Leads, devices and reasons for no message, as if these campaigns were planned at their times.';

-- A device that needs a person sends nothing until then; long queues are taken as they are.
create function drip._backlog_at(
  p_user_id bigint, p_at timestamptz, p_devices bigint[], p_backlog bigint[],
  p_campaigns bigint[], p_leads bigint[], p_placed bigint[], p_reasons text[])
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant bigint := 50000;
begin
  if coalesce(p_at <= drip.now(), true)
    or (select sum(b.messages) from unnest(p_backlog) as b (messages)) not between 1 and c_most
  then
    return p_backlog;
  end if;
  return (
    with planned as (
      select
        array_agg(k.campaign_id order by k.place) as campaigns,
        array_agg(k.lead_id order by k.place) as leads,
        array_agg(k.device_id order by k.place) as placed
      from unnest(p_campaigns, p_leads, p_placed, p_reasons)
        with ordinality as k (campaign_id, lead_id, device_id, reason, place)
      where k.reason is null
    ),
    rest as (
      select f.device_id, sum(f.messages) as messages
      from planned p
      cross join lateral drip._forecast_devices(
        p_user_id, p_devices, p.campaigns, p.leads, p.placed,
        p_at - interval '1 microsecond') f
      where f.fate in ('left', 'waits')
      group by f.device_id
    )
    select array_agg(
      case
        when j.verdict = 'wait' and j.until is null then t.backlog
        else coalesce(r.messages, 0)::bigint
      end order by t.place)
    from unnest(p_devices, p_backlog) with ordinality as t (device_id, backlog, place)
    join drip._device_verdicts j on j.device_id = t.device_id
    left join rest r on r.device_id = t.device_id);
end
$$;
comment on function drip._backlog_at(
  bigint, timestamptz, bigint[], bigint[], bigint[], bigint[], bigint[], text[]) is
  'How many messages wait for each of these devices at a future instant, as far as is known.';
