-- The claim parks a device that cannot send; one that can again need not wait for its next look.
-- Whoever holds the pacing row has it in a claim or a wake: the notification comes after those.
create function drip._look_again(p_device_id bigint) returns void
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
comment on function drip._look_again(bigint) is
  'Has the next claim look at a device that was just allowed to send, and tells the workers.';
