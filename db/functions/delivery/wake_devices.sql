-- Runs in a short transaction of the worker after a notification, never in the one that planned.
-- It moves the look, not the pace, so a wake cannot break the pacing.
create function drip.wake_devices(p_devices bigint[])
returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_count integer;
begin
  with locked as (
    select p.device_id
    from drip.device_pacing p
    where (coalesce(cardinality(p_devices), 0) = 0 or p.device_id = any (p_devices))
      and p.next_look_at > v_now
    order by p.device_id
    for no key update
  )
  update drip.device_pacing p
  set next_look_at = v_now
  from locked l
  where p.device_id = l.device_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip.wake_devices(bigint[]) is
  'Has the next claim look at these devices (empty: all) at once; returns how many were parked.';
grant execute on function drip.wake_devices(bigint[]) to drip_worker;
