-- What a person can do about a reason of the device.
create function drip._device_remedy(p_device_id bigint, p_reason text) returns text
language sql stable
as $$
  select case p_reason
    when 'user_inactive' then format(
      'update drip.users set is_active = true where id = %s;', d.user_id)
    when 'account_blocked' then format(
      E'-- fix the account (%s), then:\n'
      'select * from drip.set_account_status(%L, ''online'', ''fixed'');',
      coalesce(a.status_reason, 'no reason given'), a.id::text)
    when 'device_disabled' then format(
      'select * from drip.set_device_status(%L, ''online'', ''enabled again'');', d.id::text)
    when 'device_attention' then format(
      E'-- log the device in at its gateway (%s), then:\n'
      'select * from drip.set_device_status(%L, ''online'', ''fixed'');',
      coalesce(d.status_reason, 'no reason given'), d.id::text)
    when 'device_offline' then format(
      E'-- fix its gateway (%s); the next check ends this, or:\n'
      'select * from drip.set_device_status(%L, ''online'', ''works again'');',
      coalesce(d.status_reason, 'no reason given'), d.id::text)
    when 'account_cap' then x.anyway || format(
      'update drip.sender_accounts set reach_cap = null where id = %s;', a.id)
    when 'device_closed_hours' then x.anyway || format(
      'update drip.user_devices set active_from = null, active_to = null where id = %s;', d.id)
    when 'ramp' then x.anyway || format(
      'update drip.user_devices set ramp = null where id = %s;', d.id)
    when 'device_cap' then x.anyway || format(
      'update drip.user_devices set daily_cap = null where id = %s;', d.id)
  end
  from drip.user_devices d
  left join drip.sender_accounts a on a.id = d.account_id
  cross join (
    select E'-- a setting makes it wait; to let it send anyway:\n' as anyway
  ) x
  where d.id = p_device_id
$$;
comment on function drip._device_remedy(bigint, text) is
  'The statement that removes a reason why a device does not send; null where only time does.';
