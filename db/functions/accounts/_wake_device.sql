-- The claim parks a device that cannot send; once it can, the park must end. A claim or a wake that
-- has the pacing row locked notifies anyway.
create function drip._wake_device(p_device_id bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  update drip.device_pacing p
  set next_look_at = drip.now()
  where p.device_id in (
    select l.device_id
    from drip.device_pacing l
    where l.device_id = p_device_id
    for no key update skip locked);
  perform drip._notify_wake(array[p_device_id]);
end
$$;
comment on function drip._wake_device(bigint) is
  'Wakes a device that has just been allowed to send: ends its park and notifies the workers.';
