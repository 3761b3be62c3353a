-- The worker sleeps until then, unless a notification comes first.
create function drip.next_wakeup() returns timestamptz
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select min(greatest(p.next_look_at, p.next_send_at)) from drip.device_pacing p
  where drip._require_role('drip_worker')
$$;
comment on function drip.next_wakeup() is
  'When the next device is due to be claimed for; null without devices.';
grant execute on function drip.next_wakeup() to drip_worker;
