-- Rendezvous hashing: a lead keeps its device while the pool changes around it, and a device that
-- joins or leaves moves only its own share.
create function drip._pool_device(p_user bigint, p_lead bigint) returns bigint
language sql stable
as $$
  select drip._hashed_device(drip._pool_devices(p_user), p_lead)
$$;
comment on function drip._pool_device(bigint, bigint) is
  'The device of the tenant''s pool that a lead without one gets; null when the pool is empty.';

create function drip._pool_devices(p_user bigint) returns bigint[]
language sql stable
as $$
  select array_agg(d.id order by d.id)
  from drip.user_devices d
  where d.user_id = p_user and d.in_pool and d.status <> 'disabled'
$$;
comment on function drip._pool_devices(bigint) is
  'The devices that take leads without one of their own; null when there is none.';

create function drip._hashed_device(p_devices bigint[], p_lead bigint) returns bigint
language sql immutable parallel safe
as $$
  select d.id
  from unnest(p_devices) as d (id)
  order by pg_catalog.hashint8extended(p_lead, d.id) desc, d.id
  limit 1
$$;
comment on function drip._hashed_device(bigint[], bigint) is
  'One of the devices, the same for the same lead and devices.';
