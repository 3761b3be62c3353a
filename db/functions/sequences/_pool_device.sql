-- Which device of the pool a lead gets: the same one each time while the pool stays, and when a
-- device joins or leaves only its own share of the leads moves. Jump hashing over the tenant's
-- devices in id order finds it in ln(n) steps; rendezvous hashing does the same in n, which took
-- half of a bulk enrollment's time with 300 devices. Who is not available keeps its place.
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
  select array_agg(case when d.in_pool and d.status <> 'disabled' then d.id end order by d.id)
  from drip.user_devices d
  where d.user_id = p_user
$$;
comment on function drip._pool_devices(bigint) is
  'Places for _hashed_device: the tenant''s devices in id order, null for those not in the pool.';

create function drip._hashed_device(p_places bigint[], p_lead bigint) returns bigint
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  c_tries constant integer := 20;
  v_count constant integer := cardinality(p_places);
  v_place integer;
  v_next float8;
begin
  -- A place without a device is drawn again, with another salt.
  for v_try in 1 .. case when v_count > 0 then c_tries else 0 end loop
    v_next := 0;
    while v_next < v_count loop
      v_place := v_next::integer;
      v_next := floor((v_place + 1)
        / ((1 + (hashint8extended(p_lead, v_place + v_try * 4294967296) & 4503599627370495))
           / 4503599627370496.0::float8));
    end loop;
    if p_places[v_place + 1] is not null then
      return p_places[v_place + 1];
    end if;
  end loop;
  -- Most places are empty: choose among the rest by rendezvous.
  return (
    select d.id
    from unnest(p_places) as d (id)
    where d.id is not null
    order by hashint8extended(p_lead, d.id) desc
    limit 1);
end
$$;
comment on function drip._hashed_device(bigint[], bigint) is
  'One of the devices, the same for the same lead and places; null when there is none.';
