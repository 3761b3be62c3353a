-- One insert per queue, however many events. An event has the same id in every queue. Bodies are
-- written in UTC, so that they do not depend on the session.
create function drip._send_events(p_type text, p_users bigint[], p_data jsonb[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
set timezone = 'UTC'
as $$
declare
  v_now constant timestamptz := drip.now();
  v_version constant integer := (
    select t.version from drip._event_types() t where t.type = p_type);
  v_queue record;
begin
  for v_queue in
    with wanted as materialized (
      select distinct s.user_id, s.queue_name
      from drip.subscriptions s
      where s.user_id = any (p_users) and p_type ~ s.matches
    ),
    events as materialized (
      select
        e.user_id,
        e.place,
        jsonb_build_object(
          'id', nextval('drip.event_ids'), 'type', p_type, 'version', coalesce(v_version, 1),
          'occurred_at', v_now, 'user_id', e.user_id, 'data', e.data) as body
      from unnest(p_users, p_data) with ordinality as e (user_id, data, place)
      where e.user_id in (select w.user_id from wanted w)
    )
    select w.queue_name, array_agg(e.body order by e.place) as bodies
    from wanted w
    join events e on e.user_id = w.user_id
    group by w.queue_name
    order by w.queue_name
  loop
    -- the last subscription may just have ended and the queue been dropped
    if drip._lock_event_queue(v_queue.queue_name) then
      perform pgmq.send_batch(v_queue.queue_name, v_queue.bodies);
    end if;
  end loop;
end
$$;
comment on function drip._send_events(text, bigint[], jsonb[]) is
  'Puts events of one type, given as parallel arrays of tenants and data, into subscribed queues.';
