-- Runs in a short transaction of the worker after a notification, never in the one that planned. It
-- ends parks and changes no next send, so it cannot break the pacing.
create function drip.wake_devices(p_devices bigint[] default null, p_sealed text[] default null)
returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Opening costs a hash per device; a longer text is a stranger's, or waking all is cheaper.
  c_most constant integer := 60000;
  v_now constant timestamptz := drip.now();
  v_devices bigint[] := coalesce(p_devices, '{}');
  v_all boolean := cardinality(v_devices) = 0 and coalesce(cardinality(p_sealed), 0) = 0;
  v_opened bigint[];
  v_text text;
  v_left integer := c_most;
  v_count integer;
begin
  perform drip._require_role('drip_worker');
  perform drip._check_count(cardinality(p_devices), 'rows', 'the devices');
  foreach v_text in array coalesce(p_sealed, '{}') loop
    v_left := v_left - greatest(length(v_text), 1);
    if v_left < 0 then
      v_all := true;
      exit;
    end if;
    v_opened := drip._open_devices(v_text);
    v_all := v_all or coalesce(cardinality(v_opened) = 0, false);
    v_devices := v_devices || v_opened;
  end loop;
  with locked as (
    select p.device_id
    from drip.device_pacing p
    where (v_all or p.device_id = any (v_devices))
      and p.next_look_at > v_now
    order by p.device_id
    for no key update
  )
  update drip.device_pacing p
  set next_look_at = v_now
  from locked l
  where p.device_id = l.device_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip.wake_devices(bigint[], text[]) is
  'Ends the park of these devices, so that the next claim looks at them (none named: all); returns
   how many were parked. p_sealed are notifications of drip_wake as received; strangers'' are
   ignored.';
grant execute on function drip.wake_devices(bigint[], text[]) to drip_worker;
