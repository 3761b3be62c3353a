-- What a pause, a resume or a cancel of a large campaign leaves to be written, a chunk a call. The
-- verdict goes by the campaign's own row, so none of it decides whether a message may leave.
create function drip.sweep_campaigns(p_limit integer default 2000)
returns table (campaign_id bigint, title text, kind text, swept bigint, remaining bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  begin
    return query select r.* from drip._sweep_campaigns(p_limit, null) r;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    return query
      select x.*
      from drip._run_apart('sweep_campaigns', p_limit, p_once => true) a (line)
      cross join lateral jsonb_to_record(a.line) as x (
        campaign_id bigint, title text, kind text, swept bigint, remaining bigint);
  end;
end
$$;
comment on function drip.sweep_campaigns(integer) is
  'Brings the next p_limit messages of one campaign in line with its pause (hold), resume (free) or
   cancel; no row when all is in line. swept counts those that changed; remaining is above 0 while
   another call has something to do at once.';
grant execute on function drip.sweep_campaigns(integer) to drip_worker;

-- The inner form: with a tenant it serves that one alone.
create function drip._sweep_campaigns(p_limit integer, p_user_id bigint)
returns table (campaign_id bigint, title text, kind text, swept bigint, remaining bigint)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns;
  v_sweep jsonb;
  v_chunk record;
  v_sweeps jsonb;
begin
  -- what may leave goes first
  select c.*
  into v_campaign
  from drip.campaigns c
  where c.sweeps is not null
    and (p_user_id is null or c.user_id = p_user_id)
  order by c.freed_to_lead_id is null, c.id
  limit 1
  for no key update skip locked;
  if not found then
    return;
  end if;
  v_sweep := v_campaign.sweeps -> 0;
  if v_sweep ->> 'kind' = 'free' then
    select f.* into v_chunk
    from drip._free_chunk(
      v_campaign, v_sweep, v_campaign.swept_to_lead_id,
      least(greatest(coalesce(p_limit, 2000), 1), 100000)) f;
  else
    select s.* into v_chunk
    from drip._stop_chunk(
      v_campaign, v_sweep ->> 'kind', v_campaign.swept_to_lead_id,
      least(greatest(coalesce(p_limit, 2000), 1), 100000)) s;
  end if;
  v_sweeps := v_campaign.sweeps;
  if v_chunk.is_last then
    v_sweeps := nullif(v_sweeps - 0, '[]');
  end if;
  update drip.campaigns c
  set sweeps = v_sweeps,
    swept_to_lead_id = case when v_chunk.is_last then 0 else v_chunk.reached end,
    freed_to_lead_id = drip._freed_to(
      v_sweeps, case when v_chunk.is_last then 0 else v_chunk.reached end)
  where c.id = v_campaign.id
  returning c.* into v_campaign;
  if v_campaign.sweeps is null then
    perform drip._announce_expansion(v_campaign);
  end if;
  return query
    select
      v_campaign.id, v_campaign.title, v_sweep ->> 'kind', v_chunk.changed,
      case
        when v_chunk.is_stuck then 0
        else (
          select count(*)
          from drip.campaigns c
          where c.sweeps is not null and (p_user_id is null or c.user_id = p_user_id))
      end;
end
$$;
comment on function drip._sweep_campaigns(integer, bigint) is
  'sweep_campaigns, for all tenants or for one.';

-- Holding and cancelling only spare the claim the sight of rows that it would not let go: what
-- somebody holds is left, and looked for once more at the end of a cancel.
create function drip._stop_chunk(
  p_campaign drip.campaigns, p_kind text, p_after bigint, p_limit integer,
  out reached bigint, out changed bigint, out is_last boolean, out is_stuck boolean)
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_locked bigint[];
begin
  select array_agg(q.id) filter (where q.status = 'pending'), max(q.lead_id), count(*) < p_limit
  into v_ids, reached, is_last
  from (
    select m.id, m.lead_id, m.status
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id and m.lead_id > p_after
    order by m.lead_id
    limit p_limit
  ) q;
  v_locked := array(
    select m.id
    from drip.broadcast_messages m
    where m.id = any (v_ids) and m.status = 'pending'
    order by m.id
    for no key update skip locked);
  if p_kind = 'hold' then
    update drip.broadcast_messages m
    set not_before = 'infinity', deferred_reason = 'campaign_paused'
    where m.id = any (v_locked) and not drip._is_resting(m);
  else
    perform drip._cancel_rows(v_locked);
  end if;
  changed := cardinality(v_locked);
  is_stuck := false;
  if is_last and p_kind = 'cancel' and exists (
    select
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id and m.status = 'pending')
  then
    is_last := false;
    is_stuck := true;
    reached := 0;
  end if;
end
$$;
comment on function drip._stop_chunk(drip.campaigns, text, bigint, integer) is
  'Holds or cancels the pending messages of a campaign''s next leads.';

create function drip._cancel_rows(p_ids bigint[]) returns void
language sql volatile
as $$
  update drip.broadcast_messages m
  set status = 'cancelled', status_reason = 'campaign_cancelled', finished_at = drip.now(),
    not_before = null, deferred_reason = null
  where m.id = any (p_ids) and m.status = 'pending'
$$;
comment on function drip._cancel_rows(bigint[]) is
  'Cancels messages of a cancelled campaign that the caller has locked.';

-- No message may be passed over: it waits for a claim that has one, which takes milliseconds, and
-- stops before a row that somebody holds for longer.
create function drip._free_chunk(
  p_campaign drip.campaigns, p_sweep jsonb, p_after bigint, p_limit integer,
  out reached bigint, out changed bigint, out is_last boolean, out is_stuck boolean)
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_ids bigint[];
  v_locked bigint[];
  v_held bigint;
begin
  select array_agg(q.id) filter (where q.status = 'pending'), max(q.lead_id), count(*) < p_limit
  into v_ids, reached, is_last
  from (
    select m.id, m.lead_id, m.status
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id and m.lead_id > p_after
    order by m.lead_id
    limit p_limit
  ) q;
  is_stuck := false;
  begin
    v_locked := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (v_ids) and m.status = 'pending'
      order by m.id
      for no key update);
  exception
    when lock_not_available then
      v_locked := array(
        select m.id
        from drip.broadcast_messages m
        where m.id = any (v_ids) and m.status = 'pending'
        order by m.id
        for no key update skip locked);
      select min(m.lead_id)
      into v_held
      from drip.broadcast_messages m
      where m.id = any (v_ids) and m.status = 'pending' and m.id <> all (v_locked);
      v_locked := array(
        select m.id
        from drip.broadcast_messages m
        where m.id = any (v_locked) and (v_held is null or m.lead_id < v_held));
      if v_held is not null then
        reached := v_held - 1;
        is_last := false;
        is_stuck := true;
      end if;
  end;
  select f.moved + f.skipped + f.kept
  into changed
  from drip._free_rows(
    v_locked, p_campaign.local_time_per_lead, p_sweep ->> 'policy',
    (p_sweep ->> 'from')::timestamptz, (p_sweep ->> 'to')::timestamptz) f;
end
$$;
comment on function drip._free_chunk(drip.campaigns, jsonb, bigint, integer) is
  'Frees the pending messages of a campaign''s next leads after a pause.';

-- The pause does not count for how long a message is valid, where times move with it. One time for
-- all is reckoned in place: the function costs 20 µs a message.
create function drip._free_rows(
  p_ids bigint[], p_is_local boolean, p_policy text, p_from timestamptz, p_to timestamptz,
  out moved bigint, out skipped bigint, out kept bigint)
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  v_now constant timestamptz := drip.now();
  v_length constant interval := drip._exactly(p_to - p_from);
  v_devices bigint[];
begin
  with written as (
    update drip.broadcast_messages m
    set status = case when n.at is null then 'skipped' else m.status end,
      status_reason = case when n.at is null then 'skipped_by_resume' end,
      finished_at = case when n.at is null then v_now end,
      scheduled_at = coalesce(n.at, m.scheduled_at),
      expires_at = case
        when p_policy = 'shift' then m.expires_at + drip._exactly(greatest(
          n.at - m.scheduled_at, p_to - greatest(p_from, m.scheduled_at), interval '0'))
        else m.expires_at
      end,
      not_before = case when n.at is not null and drip._is_resting(m) then m.not_before end,
      deferred_reason = case when n.at is not null and drip._is_resting(m) then 'not_due' end
    from (
      select
        b.id, b.scheduled_at as was_at,
        case
          when p_policy = 'catch_up' then b.scheduled_at
          when p_policy = 'shift' and not p_is_local then b.scheduled_at + v_length
          else drip._after_pause(
            b.scheduled_at, p_policy, p_from, p_to, p_is_local,
            (select coalesce(l.time_zone, u.time_zone)
             from drip.leads l
             join drip.users u on u.id = l.user_id
             where l.id = b.lead_id))
        end as at
      from drip.broadcast_messages b
      where b.id = any (p_ids)
    ) n
    where m.id = n.id
    returning m.device_id, m.due_at, m.status, m.scheduled_at <> n.was_at as is_moved
  )
  select
    count(*) filter (where w.status = 'pending' and w.is_moved),
    count(*) filter (where w.status = 'skipped'),
    count(*) filter (where w.status = 'pending' and not w.is_moved),
    array_agg(distinct w.device_id)
      filter (where w.status = 'pending' and w.due_at <= v_now + interval '15 seconds')
  into moved, skipped, kept, v_devices
  from written w;
  perform drip._notify_wake(v_devices);
end
$$;
comment on function drip._free_rows(bigint[], boolean, text, timestamptz, timestamptz) is
  'Frees messages that the caller has locked after a pause of their campaign, by a policy.';
