-- Applies the failover_policy of a device that cannot send. failover: due messages move to another
-- online device of the pool, always the same for one contact; later steps stay with the old device
-- in case it is back by then. rebind: the lead and all its pending messages move.
create function drip._move_failed_over(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_count bigint;
  v_devices bigint[];
begin
  with stranded as (
    select m.id, m.user_id, m.lead_id, d.id as from_device, d.failover_policy
    from drip.user_devices d
    cross join lateral (
      select b.id, b.user_id, b.lead_id
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select n.id, n.user_id, n.lead_id
        from drip.broadcast_messages n
        where n.device_id = d.id and n.status = 'pending' and n.priority = class.priority
          and n.due_at <= v_now
        order by n.due_at, n.id
        limit p_limit
        for no key update skip locked
      ) b
    ) m
    where d.status <> 'online' and d.failover_policy <> 'wait'
      -- else those that cannot move would fill the chunk for ever
      and exists (
        select
        from drip.user_devices o
        where o.user_id = d.user_id and o.in_pool and o.status = 'online' and o.id <> d.id)
      and (p_user_id is null or d.user_id = p_user_id)
    limit p_limit
  ),
  placed as materialized (
    select t.from_device, t.failover_policy, p.lead_id, p.device_id as to_device
    from (
      select
        q.user_id,
        q.from_device,
        q.failover_policy,
        array_agg(distinct q.lead_id) as leads
      from stranded q
      group by q.user_id, q.from_device, q.failover_policy
    ) t
    cross join lateral (
      select array_agg(d.id) as devices
      from drip.user_devices d
      where d.user_id = t.user_id and d.in_pool and d.status = 'online' and d.id <> t.from_device
    ) o
    cross join lateral unnest(
      t.leads, drip._place_leads(t.user_id, o.devices, t.leads, 1)) as p (lead_id, device_id)
    where o.devices is not null
  ),
  later as (
    select m.id, p.lead_id, p.from_device
    from placed p
    join drip.broadcast_messages m
      on m.lead_id = p.lead_id and m.device_id = p.from_device and m.status = 'pending'
    where p.failover_policy = 'rebind'
    order by m.id
    for no key update of m skip locked
  ),
  moved as (
    update drip.broadcast_messages m
    set device_id = p.to_device
    from (
      select q.id, q.lead_id, q.from_device
      from stranded q
      union
      select q.id, q.lead_id, q.from_device
      from later q
    ) k
    join placed p on p.lead_id = k.lead_id and p.from_device = k.from_device
    where m.id = k.id
    returning
      m.id, p.lead_id, p.to_device, p.from_device, p.failover_policy, m.user_id,
      m.sequence_contact_id
  ),
  kept as (
    update drip.sequence_contacts e
    set assigned_device_id = x.to_device
    from (
      select distinct y.sequence_contact_id as id, y.to_device
      from moved y
      where y.failover_policy = 'rebind' and y.sequence_contact_id is not null
    ) x
    where e.id = x.id
      and e.id in (
        select q.id
        from drip.sequence_contacts q
        where q.id in (select y.sequence_contact_id from moved y)
        order by q.id
        for no key update skip locked)
  ),
  rebound as (
    update drip.leads l
    set device_id = x.to_device
    from moved x
    where x.failover_policy = 'rebind'
      and l.id = x.lead_id
      and l.id in (
        select q.id
        from drip.leads q
        where q.id in (select y.lead_id from moved y where y.failover_policy = 'rebind')
        order by q.id
        for no key update skip locked)
  ),
  noted as (
    insert into drip.audit_log (
      at, user_id, session_user_name, action, subject_kind, subject_id, reason, details)
    select v_now, x.user_id, 'system', 'failover', 'device', x.from_device,
      'the device cannot send', jsonb_build_object('to', x.to_device, 'messages', count(*))
    from moved x
    group by x.user_id, x.from_device, x.to_device
  )
  select count(*), array_agg(distinct x.to_device)
  into v_count, v_devices
  from moved x;
  perform drip._notify_wake(v_devices);
  return v_count;
end
$$;
comment on function drip._move_failed_over(integer, bigint) is
  'Moves due messages off devices that cannot send, where their policy says so; returns how many.';
