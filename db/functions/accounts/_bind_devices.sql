-- Messages planned while the tenant had no device get one of the pool as soon as there is one; a
-- journey stays on one device. Those of tenants without a device are passed over: they would fill
-- the chunk for ever.
create function drip._bind_devices(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_owners constant bigint[] := array(select distinct d.user_id from drip.user_devices d);
  v_ready constant bigint[] := array(
    select distinct d.user_id from drip.user_devices d where d.in_pool and d.status <> 'disabled');
  v_count bigint;
  v_devices bigint[];
begin
  with loose as materialized (
    select m.id, m.user_id, m.lead_id
    from drip.broadcast_messages m
    where m.status = 'pending' and m.device_id is null
      and (
        m.user_id = any (v_ready)
        or (m.user_id = any (v_owners)
            and exists (
              select from drip.leads l where l.id = m.lead_id and l.device_id is not null)))
      and (p_user_id is null or m.user_id = p_user_id)
    order by m.id
    limit p_limit
    for no key update skip locked
  ),
  placed as materialized (
    select t.user_id, p.lead_id, p.device_id
    from (
      select
        o.user_id,
        array_agg(distinct o.lead_id) as leads,
        count(*) / count(distinct o.lead_id) as messages
      from loose o
      group by o.user_id
    ) t
    cross join lateral unnest(
      t.leads, drip._place_leads(t.user_id, null, t.leads, t.messages::integer))
      as p (lead_id, device_id)
    where p.device_id is not null
  ),
  bound as (
    update drip.broadcast_messages m
    set device_id = p.device_id
    from loose o
    join placed p on p.lead_id = o.lead_id
    where m.id = o.id
    returning m.device_id, m.sequence_contact_id
  ),
  kept as (
    update drip.sequence_contacts e
    set assigned_device_id = b.device_id
    from bound b
    where e.id in (
        select q.id
        from drip.sequence_contacts q
        where q.id in (select b2.sequence_contact_id from bound b2)
          and q.assigned_device_id is null
        for no key update skip locked)
      and e.id = b.sequence_contact_id
  )
  select count(*), array_agg(distinct b.device_id)
  into v_count, v_devices
  from bound b;
  perform drip._notify_wake(v_devices);
  return v_count;
end
$$;
comment on function drip._bind_devices(integer, bigint) is
  'Gives pending messages without a device one of the tenant''s pool; returns how many.';
