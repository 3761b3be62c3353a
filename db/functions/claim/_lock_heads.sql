-- In the first pass a device that pauses between messages has one head; one without delays and caps
-- has as many as its burst has room for. A deeper pass costs about 70 µs per waiting head: eight of
-- a class keep a claim below twice its usual cost, and a class full of waiting heads hides no
-- other.
create function drip._lock_heads(
  p_devices bigint[], p_after timestamptz[], p_depth integer,
  out heads bigint[], out steps bigint[], out campaigns bigint[])
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  select array_agg(h.id order by h.id), array_agg(h.sequence_stepid),
    array_agg(distinct h.campaign_id)
  into heads, steps, campaigns
  from unnest(p_devices, p_after) as t (device_id, after)
  join drip.user_devices d on d.id = t.device_id
  cross join lateral (
    select count(*)::integer as messages
    from drip.broadcast_messages b
    where b.device_id = t.device_id and b.status = 'processing'
  ) busy
  cross join lateral (
    select c.id, c.sequence_stepid, c.campaign_id
    from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    cross join lateral (
      select m.id, m.sequence_stepid, m.campaign_id
      from drip.broadcast_messages m
      where m.device_id = t.device_id
        and m.status = 'pending'
        and m.priority = class.priority
        and m.due_at <= v_now
        and m.due_at > coalesce(t.after, '-infinity')
      order by m.due_at, m.id
      limit case when p_depth = 1 then 50 else 8 end
      for update skip locked
    ) c
    limit case
      when busy.messages >= d.burst then 0
      when p_depth = 1 and d.max_delay_seconds = 0 and d.daily_cap is null and d.ramp is null
        then d.burst - busy.messages
      else p_depth
    end
  ) h;
end
$$;
comment on function drip._lock_heads(bigint[], timestamptz[], integer) is
  'Locks the first due messages of these devices, at most p_depth of each, due later than p_after;
   returns them sorted, their steps and their campaigns. Null: there are none.';
