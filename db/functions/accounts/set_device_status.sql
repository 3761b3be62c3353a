-- A person's decision on a device: the only way out of disabled.
create function drip.set_device_status(
  p_device text, p_status text, p_reason text default null)
returns table (device_id bigint, status text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_device drip.user_devices := drip._find_device(p_device);
  v_status text := lower(btrim(p_status));
  v_reason text := nullif(btrim(p_reason), '');
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_device_status(v_status);
  select d.*
  into v_device
  from drip.user_devices d
  where d.id = v_device.id
  for no key update;
  if (v_device.status, coalesce(v_reason, v_device.status_reason))
    is not distinct from (v_status, v_device.status_reason)
  then
    return query select v_device.id, v_status, 'unchanged'::text;
    return;
  end if;
  update drip.user_devices d
  set status = v_status,
    status_reason = v_reason,
    status_since = case when d.status = v_status then d.status_since else drip.now() end,
    is_held = false
  where d.id = v_device.id;
  perform drip._audit(
    v_device.user_id, 'set_device_status', 'device', v_device.id, v_reason);
  if v_status = 'online' then
    perform drip._wake_device(v_device.id);
  end if;
  return query select v_device.id, v_status, 'changed'::text;
end
$$;
comment on function drip.set_device_status(text, text, text) is
  'Sets a device (id or name) to online, offline, needs_attention or disabled; only this ends
   disabled. Outcome: changed, unchanged.';
grant execute on function drip.set_device_status(text, text, text) to drip_operator;
