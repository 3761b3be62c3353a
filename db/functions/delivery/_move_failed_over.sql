-- The device's failover_policy at work: while it cannot send, due messages of a device with
-- failover or rebind move to another online pool device; rebind moves the lead as well.
create function drip._move_failed_over(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = ''
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
      and (p_user_id is null or d.user_id = p_user_id)
    limit p_limit
  ),
  placed as (
    select s.id, s.lead_id, s.from_device, s.failover_policy, s.user_id, t.id as to_device
    from stranded s
    cross join lateral (
      select p.id
      from drip.user_devices p
      where p.user_id = s.user_id and p.in_pool and p.status = 'online' and p.id <> s.from_device
      order by pg_catalog.hashint8extended(s.lead_id, p.id) desc
      limit 1
    ) t
  ),
  moved as (
    update drip.broadcast_messages m
    set device_id = p.to_device
    from placed p
    where m.id = p.id
    returning m.id, p.lead_id, p.to_device, p.from_device, p.failover_policy, m.user_id
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
    select v_now, x.user_id, session_user, 'failover', 'device', x.from_device,
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
