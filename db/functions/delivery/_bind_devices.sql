-- Messages planned while the tenant had no device get one of the pool as soon as there is one; the
-- whole journey stays on it.
create function drip._bind_devices(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = ''
as $$
declare
  v_count bigint;
  v_devices bigint[];
begin
  with loose as (
    select m.id, m.user_id, m.lead_id
    from drip.broadcast_messages m
    where m.status = 'pending' and m.device_id is null
      and (p_user_id is null or m.user_id = p_user_id)
    order by m.id
    limit p_limit
    for no key update skip locked
  ),
  bound as (
    update drip.broadcast_messages m
    set device_id = d.id
    from loose o
    cross join lateral (
      select drip._pool_device(o.user_id, o.lead_id) as id
    ) d
    where m.id = o.id and d.id is not null
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
