-- What a sender reports of its device. A report ends a status that a sender has set, never one that
-- a person has set to disabled; a locked row is left to the next report. The device is text, as
-- everywhere: a polymorphic argument would run the caller's own cast with the owner's rights.
create function drip.report_device(
  p_device text, p_status text, p_reason text default null, p_quality text default null)
returns table (device_id bigint, status text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_id constant bigint := (drip._find_device(p_device)).id;
  v_device drip.user_devices;
  v_reason text := nullif(left(btrim(p_reason), 500), '');
  v_mark bigint;
begin
  perform drip._require_role('drip_worker');
  perform drip._check_device_status(p_status);
  if p_status = 'disabled' then
    perform drip._fail(
      'DR001', 'a sender cannot disable a device', 'Use set_device_status.');
  end if;
  select d.*
  into v_device
  from drip.user_devices d
  where d.id = v_id
  for no key update skip locked;
  if v_device.id is null then
    return query
      select d.id, d.status, 'busy'::text from drip.user_devices d where d.id = v_id;
    return;
  end if;
  if p_quality is not null then
    perform drip._note_quality(v_id, nullif(left(upper(btrim(p_quality)), 30), 'UNKNOWN'), null);
  end if;
  if v_device.status = 'disabled' then
    return query select v_device.id, v_device.status, 'disabled'::text;
    return;
  end if;
  -- Unreachable is less certain than logged out: only an online report ends that.
  if p_status = v_device.status or (p_status = 'offline' and v_device.status = 'needs_attention')
  then
    update drip.user_devices d
    set last_seen = v_now,
      status_reason = case
        when p_status = v_device.status then coalesce(v_reason, d.status_reason)
        else d.status_reason
      end
    where d.id = v_id;
    return query select v_device.id, v_device.status, 'unchanged'::text;
    return;
  end if;
  -- A check may succeed although an error stopped the device for a fault that no check detects.
  if v_device.status = 'needs_attention' and v_device.is_held then
    update drip.user_devices d set last_seen = v_now where d.id = v_id;
    return query select v_device.id, v_device.status, 'held'::text;
    return;
  end if;
  v_mark := drip._audit_mark();
  update drip.user_devices d
  set status = p_status, status_reason = v_reason, status_since = v_now, last_seen = v_now,
    is_held = false
  where d.id = v_id;
  perform drip._audit_system(v_mark, 'report_device', 'device', array[v_id]);
  if p_status = 'online' then
    perform drip._wake_device(v_id);
  end if;
  return query select v_id, p_status, 'changed'::text;
end
$$;
comment on function drip.report_device(text, text, text, text) is
  'Records what a sender reports of its device (id or name): online, offline or needs_attention, a
   reason, and the provider''s rating of the number. Outcome: changed, unchanged, disabled (left
   so), held (stopped by an error that only set_device_status ends), busy (another session has
   locked the row).';
grant execute on function drip.report_device(text, text, text, text) to drip_worker;
