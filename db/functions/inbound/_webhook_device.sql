-- Of the devices with the webhook's instance, one that its address may report on. GOWA sometimes
-- uses a name of its own: an instance that no device has means the device of the address.
create function drip._webhook_device(
  p_user_id bigint, p_platform text, p_device_id bigint, p_account_id bigint, p_instance text)
returns table (device_id bigint, is_spoken_for boolean)
language sql stable
as $$
  select q.id, q.is_spoken_for
  from (
    select
      o.id,
      o.instance = p_instance as is_named,
      coalesce(
        o.id = p_device_id or o.account_id = p_account_id
          or drip._is_one_sender(p_device_id, o.id), false)
        as is_spoken_for
    from drip.user_devices o
    where o.user_id = p_user_id
      and o.platform = p_platform
      and (o.instance = p_instance
           or (o.id = p_device_id and (p_instance is null or p_platform <> 'cloud_api')))
  ) q
  order by
    q.is_named desc nulls last, q.is_spoken_for desc, q.id = p_device_id desc nulls last, q.id
  limit 1
$$;
comment on function drip._webhook_device(bigint, text, bigint, bigint, text) is
  'The device that a webhook at the address of a device or an account reports on, and whether it
   may; no row when the tenant has no such instance.';
