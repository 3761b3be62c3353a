-- Of the devices with the webhook's session or phone, one that its address may report on. Some
-- gateways use a name of their own: an instance that no device has means the device of the address.
create function drip._webhook_device(
  p_user_id bigint, p_platform text, p_device_id bigint, p_account_id bigint, p_instance text,
  p_jid text)
returns table (device_id bigint, is_spoken_for boolean, is_named boolean)
language sql stable
as $$
  select q.id, q.is_spoken_for, q.rank = 1
  from (
    select
      o.id,
      case
        when o.instance = p_instance then 1
        when o.jid = p_jid then 2
        when o.phone = '+' || drip._jid_phone(p_jid) then 3
        else 4
      end as rank,
      coalesce(
        o.id = p_device_id or o.account_id = p_account_id
          or drip._is_one_sender(p_device_id, o.id), false)
        as is_spoken_for
    from drip.user_devices o
    where o.user_id = p_user_id
      and o.platform = p_platform
      and (o.instance = p_instance
           or o.jid = p_jid
           or o.phone = '+' || drip._jid_phone(p_jid)
           or (o.id = p_device_id and (p_instance is null or p_platform <> 'cloud_api')))
  ) q
  order by q.rank, q.is_spoken_for desc, q.id = p_device_id desc nulls last, q.id
  limit 1
$$;
comment on function drip._webhook_device(bigint, text, bigint, bigint, text, text) is
  'The device that a webhook at the address of a device or an account reports on, by its session,
   else by the WhatsApp id of its phone; whether it may, and whether its session named it. No row
   when the tenant has no such instance.';
