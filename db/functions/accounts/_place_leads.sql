-- Which device writes to a lead: its own, else the one that last wrote to it, else the least busy
-- one of the pool. New leads are spread so that the queues even out, in hash order, so that any
-- part of a batch is even too. Counting is bounded by a constant and the size of the batch; offline
-- devices get new leads only when no device is online. Reads no uncommitted row and writes none.
create function drip._place_leads(
  p_user bigint, p_devices bigint[], p_leads bigint[], p_messages integer,
  p_busy bigint[] default null, p_backlog bigint[] default null, p_lasts bigint[] default null)
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_counted constant integer := 300;
  v_kept bigint[];
  v_fresh bigint[];
begin
  select
    array_agg(d.id order by d.id),
    array_agg(d.id order by d.id) filter (where d.status = 'online')
  into v_kept, v_fresh
  from drip.user_devices d
  where d.user_id = p_user
    and d.status <> 'disabled'
    and case when p_devices is null then d.in_pool else d.id = any (p_devices) end;
  v_kept := coalesce(v_kept, p_devices);
  v_fresh := coalesce(v_fresh, v_kept);
  if cardinality(p_leads) = 1 and p_busy is null then
    return array[drip._place_lead(p_leads[1], v_kept, v_fresh, p_devices is null, c_counted)];
  end if;
  return drip._place_batch(
    p_leads, v_kept, v_fresh, p_devices is null, c_counted, greatest(p_messages, 1), p_busy,
    p_backlog, p_lasts);
end
$$;
comment on function drip._place_leads(
  bigint, bigint[], bigint[], integer, bigint[], bigint[], bigint[]) is
  'The device for each of these leads, in their order, out of those named or else the pool; each
   lead without one counts as that many new messages. Null when there is no device. A preview passes
   how many messages wait (p_backlog) on which devices (p_busy), instead of counting them, and the
   device that would have written to each lead last (p_lasts).';

-- The planner settings make sure of nested loops over indexes, also in plans made while a table was
-- empty.
create function drip._place_batch(
  p_leads bigint[], p_kept bigint[], p_fresh bigint[], p_own_first boolean, p_counted integer,
  p_weight bigint, p_busy bigint[], p_backlog bigint[], p_lasts bigint[])
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
  v_placed bigint[];
  v_loose bigint;
  v_bound bigint;
  v_order bigint[];
  v_starts bigint[];
begin
  select
    array_agg(x.device_id order by k.n),
    count(*) filter (where x.device_id is null)
  into v_placed, v_loose
  from unnest(p_leads) with ordinality as k (id, n)
  left join drip.leads l on l.id = k.id
  cross join lateral (
    select case
      when p_own_first and l.device_id is not null then l.device_id
      when l.device_id = any (p_kept) then l.device_id
      when p_lasts[k.n] = any (p_kept) then p_lasts[k.n]
      when cardinality(p_kept) > 1 then (
        select m.device_id
        from drip.broadcast_messages m
        where m.lead_id = k.id and m.device_id = any (p_kept) and not m.is_test
        -- + 0: else a plan made while the table was empty walks the primary key
        order by m.id + 0 desc
        limit 1)
    end as device_id
  ) x;
  if v_loose = 0 or p_fresh is null then
    return v_placed;
  end if;
  if cardinality(p_fresh) = 1 then
    return array_replace(v_placed, null, p_fresh[1]);
  end if;

  v_bound := greatest(
    (p_counted * least(v_loose, 5) + v_loose * p_weight) / cardinality(p_fresh), 1);
  with sorted as (
    select
      d.id as device_id,
      b.backlog,
      row_number() over w as place,
      sum(b.backlog) over w as so_far
    from unnest(p_fresh) as d (id)
    cross join lateral (
      select case
        when p_busy is null then (
          select count(*)
          from (
            select
            from drip.broadcast_messages m
            where m.device_id = d.id and m.status = 'pending'
            limit v_bound
          ) q)
        else least(p_backlog[array_position(p_busy, d.id)], v_bound)
      end as backlog
      offset 0
    ) b
    window w as (
      order by b.backlog, hashint8extended(p_leads[1], d.id) desc, d.id
      rows between unbounded preceding and current row)
  ),
  -- how many devices the new messages fill, beginning with the emptiest
  filled as (
    select s.place as devices, s.so_far + v_loose * p_weight as messages
    from sorted s
    where s.place * s.backlog - s.so_far < v_loose * p_weight
    order by s.place desc
    limit 1
  )
  select
    array_agg(s.device_id order by s.place),
    array_agg(
      ceil(((s.place - 1) * f.messages - f.devices * (s.so_far - s.backlog))
        / (f.devices * p_weight))::bigint
      order by s.place)
  into v_order, v_starts
  from sorted s
  join filled f on s.place <= f.devices;

  return (
    select array_agg(
      coalesce(q.device_id, v_order[width_bucket(q.place - 1, v_starts)]) order by q.n)
    from (
      select
        k.device_id,
        k.n,
        row_number() over (
          partition by k.device_id is null order by hashint8extended(k.lead_id, 0), k.lead_id)
          as place
      from unnest(p_leads, v_placed) with ordinality as k (lead_id, device_id, n)
    ) q);
end
$$;
comment on function drip._place_batch(
  bigint[], bigint[], bigint[], boolean, integer, bigint, bigint[], bigint[], bigint[]) is
  'The devices of these leads, in their order: the last to write among p_kept, else from p_fresh.';

-- The same for one lead without the work that only a batch needs: a third of the time.
create function drip._place_lead(
  p_lead bigint, p_kept bigint[], p_fresh bigint[], p_own_first boolean, p_counted integer)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_device bigint := (select l.device_id from drip.leads l where l.id = p_lead);
  v_bound constant bigint := greatest(p_counted / cardinality(p_fresh), 1);
begin
  if v_device is not null and (p_own_first or v_device = any (p_kept)) then
    return v_device;
  end if;
  if cardinality(p_kept) > 1 then
    select m.device_id
    into v_device
    from drip.broadcast_messages m
    where m.lead_id = p_lead and m.device_id = any (p_kept) and not m.is_test
    -- + 0: else a plan made while the table was empty walks the primary key
    order by m.id + 0 desc
    limit 1;
    if found then
      return v_device;
    end if;
  end if;
  if cardinality(p_fresh) > 1 then
    return (
      select d.id
      from unnest(p_fresh) as d (id)
      cross join lateral (
        select count(*) as backlog
        from (
          select
          from drip.broadcast_messages m
          where m.device_id = d.id and m.status = 'pending'
          limit v_bound
        ) q
      ) b
      order by b.backlog, hashint8extended(p_lead, d.id) desc, d.id
      limit 1);
  end if;
  return p_fresh[1];
end
$$;
comment on function drip._place_lead(bigint, bigint[], bigint[], boolean, integer) is
  'The device for one lead: the last to write to it among p_kept, else the least busy of p_fresh.';
