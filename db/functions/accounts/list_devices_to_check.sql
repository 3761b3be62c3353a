-- The worker asks the senders of these how the device is.
create function drip.list_devices_to_check()
returns table (
  device_id bigint, platform text, endpoint text, instance text, secret_name text)
language sql stable security definer
set search_path = ''
as $$
  select d.id, d.platform, d.endpoint, d.instance, d.secret_name
  from drip.user_devices d
  join drip.users u on u.id = d.user_id
  where d.status <> 'disabled' and u.is_active
  order by d.id
$$;
comment on function drip.list_devices_to_check() is
  'Devices that are not disabled, of active users, with what is needed to ask their sender.';
grant execute on function drip.list_devices_to_check() to drip_worker;
