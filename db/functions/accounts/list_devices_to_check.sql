-- Hands the devices that are due for a check to one worker: the stamp keeps other workers from
-- checking them within half a minute, and p_parts spreads the checks over that time. A locked row
-- waits for the next call. 28 seconds instead of 30, because the calls jitter.
create function drip.list_devices_to_check(p_platforms text[], p_parts integer default 1)
returns table (
  device_id bigint, platform text, endpoint text, instance text, secret_name text)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  select drip._check_count(cardinality(p_platforms), 'platforms', 'the platforms');
  with checkable as materialized (
    select d.id, d.asked_at
    from drip.user_devices d
    join drip.users u on u.id = d.user_id
    where drip._require_role('drip_worker')
      and d.status <> 'disabled' and u.is_active and d.platform = any (p_platforms)
  ),
  due as (
    select d.id
    from drip.user_devices d
    where d.id in (select c.id from checkable c)
      and (d.asked_at is null
           or d.asked_at <= drip.now() - interval '28 seconds'
           -- a stamp of a clock that was ahead; transactions' clocks differ by their age
           or d.asked_at > drip.now() + interval '1 minute')
    order by d.asked_at nulls first, d.id
    limit (select ceil(count(*) / greatest(p_parts, 1)::numeric) from checkable c)
    for no key update skip locked
  ),
  taken as (
    update drip.user_devices d
    set asked_at = drip.now()
    from due
    where d.id = due.id
    returning d.id, d.platform, d.endpoint, d.instance, d.secret_name
  )
  select t.id, t.platform, t.endpoint, t.instance, t.secret_name
  from taken t
  order by t.id
$$;
comment on function drip.list_devices_to_check(text[], integer) is
  'Devices of these platforms that were not checked for half a minute, the longest unchecked first,
   at most one in p_parts of all, for the caller to check; no disabled devices, none of inactive
   users.';
grant execute on function drip.list_devices_to_check(text[], integer) to drip_worker;
