-- Applications watch the status of devices; only a change is an event.
create or replace function drip._tell_device() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._emit(
    new.user_id, 'device.' || new.status,
    jsonb_build_object(
      'device_id', new.id,
      'device_name', new.name,
      'phone', new.phone,
      'platform', new.platform,
      'status', new.status,
      'previous_status', old.status,
      'status_reason', new.status_reason));
  return null;
end
$$;
comment on function drip._tell_device() is
  'Trigger: emits device.online, .offline, .needs_attention or .disabled.';

create or replace trigger user_devices_tell
  after update of status on drip.user_devices
  for each row when (new.status is distinct from old.status)
  execute function drip._tell_device();
comment on trigger user_devices_tell on drip.user_devices is
  'The events device.online, device.offline, device.needs_attention and device.disabled.';
