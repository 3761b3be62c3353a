-- The inner form of sweep_campaigns: with a tenant it serves only that one. Where somebody keeps a
-- message of a campaign locked, it goes on to another tenant's, which must not wait for that; three
-- such waits of 0.2 s are enough for a call, and the tenants take turns at random.
create function drip._sweep_campaigns(p_limit integer, p_user_id bigint)
returns table (campaign_id bigint, title text, kind text, swept bigint, remaining bigint)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_most_stuck constant integer := 3;
  v_user bigint;
  v_next drip.campaigns;
  v_campaign drip.campaigns;
  v_sweep jsonb;
  v_chunk record;
  v_stuck integer := 0;
begin
  for v_user in
    select q.user_id
    from (
      select c.user_id, bool_or(c.freed_to_lead_id is not null) as has_resumed
      from drip.campaigns c
      where c.sweeps is not null and (p_user_id is null or c.user_id = p_user_id)
      group by c.user_id
    ) q
    -- resumes first: their messages may leave
    order by q.has_resumed desc, random()
  loop
    select c.*
    into v_next
    from drip.campaigns c
    where c.sweeps is not null and c.user_id = v_user
    order by c.freed_to_lead_id is null, c.id
    limit 1
    for no key update skip locked;
    continue when not found;
    v_campaign := v_next;
    v_sweep := v_campaign.sweeps -> 0;
    select k.* into v_chunk from drip._sweep_chunk(v_campaign, p_limit) k;
    exit when not v_chunk.is_stuck;
    v_stuck := v_stuck + 1;
    exit when v_stuck >= c_most_stuck;
  end loop;
  if v_campaign.id is null then
    return;
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

create function drip._sweep_chunk(
  p_campaign drip.campaigns, p_limit integer, out changed bigint, out is_stuck boolean)
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sweep constant jsonb := p_campaign.sweeps -> 0;
  v_sweeps jsonb := p_campaign.sweeps;
  v_limit constant integer := least(greatest(coalesce(p_limit, 2000), 1), 100000);
  v_chunk record;
  v_campaign drip.campaigns;
begin
  if v_sweep ->> 'kind' = 'free' then
    select f.* into v_chunk
    from drip._free_chunk(p_campaign, v_sweep, p_campaign.swept_to_lead_id, v_limit) f;
  else
    select s.* into v_chunk
    from drip._stop_chunk(p_campaign, v_sweep ->> 'kind', p_campaign.swept_to_lead_id, v_limit) s;
  end if;
  if v_chunk.is_last then
    v_sweeps := nullif(v_sweeps - 0, '[]');
  end if;
  update drip.campaigns c
  set sweeps = v_sweeps,
    swept_to_lead_id = case when v_chunk.is_last then 0 else v_chunk.reached end,
    freed_to_lead_id = drip._freed_to(
      v_sweeps, case when v_chunk.is_last then 0 else v_chunk.reached end)
  where c.id = p_campaign.id
  returning c.* into v_campaign;
  if v_campaign.sweeps is null then
    perform drip._announce_expansion(v_campaign);
  end if;
  changed := v_chunk.changed;
  is_stuck := v_chunk.is_stuck;
end
$$;
comment on function drip._sweep_chunk(drip.campaigns, integer) is
  'Applies the first pause, resume or cancel that a locked campaign has waiting to its next leads.';

-- Deferring and cancelling only spare the claim rows that it would not let go anyway: locked rows
-- are skipped, and a cancel checks for them once more at its end.
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
    where m.id = any (v_locked) and not drip._waits_for_retry(m);
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
  'Defers or cancels the pending messages of a campaign''s next leads.';

-- No message may be skipped: it waits for a claim, which takes milliseconds, and stops before a row
-- that another session keeps locked for longer.
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
