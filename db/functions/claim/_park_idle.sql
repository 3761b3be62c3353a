-- Without parking, every claim would read idle devices before the others.
create function drip._park_idle(p_devices bigint[], p_parked_until timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  update drip.device_pacing p
  set next_look_at = case
      when busy.is_full then p_parked_until
      else least(head.due_at, p_parked_until)
    end
  from unnest(p_devices) as t (device_id)
  join drip.user_devices d on d.id = t.device_id
  cross join lateral (
    select count(*) >= d.burst as is_full
    from drip.broadcast_messages b
    where b.device_id = t.device_id and b.status = 'processing'
  ) busy
  cross join lateral (
    select min(c.due_at) as due_at
    from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    cross join lateral (
      select m.due_at
      from drip.broadcast_messages m
      where m.device_id = t.device_id and m.status = 'pending' and m.priority = class.priority
      order by m.due_at, m.id
      limit 1
    ) c
  ) head
  where p.device_id = t.device_id
    and p.next_look_at <= v_now
    and p.next_send_at <= v_now;
end
$$;
comment on function drip._park_idle(bigint[], timestamptz) is
  'Parks those of these devices that are still ready, until their next message is due, but at most
   until p_parked_until.';
