-- Deletes only the rows: open transactions may use the queue, so tick() drops it later.
create function drip.unsubscribe(p_queue text, p_pattern text default null)
returns table (queue text, pattern text, outcome text, dropped bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_queue constant text := drip._check_event_queue(p_queue);
  v_pattern constant text := lower(btrim(p_pattern));
  v_name text;
  v_patterns text[];
  v_dropped bigint := 0;
begin
  perform drip._require_role('drip_app');
  with gone as (
    delete from drip.subscriptions s
    where s.user_id = v_user
      and s.queue = v_queue
      and (p_pattern is null or s.pattern = v_pattern)
    returning s.pattern, s.queue_name
  )
  select max(g.queue_name), array_agg(g.pattern order by g.pattern)
  into v_name, v_patterns
  from gone g;
  if v_name is null then
    return query select v_queue, left(v_pattern, 100), 'not_subscribed'::text, 0::bigint;
    return;
  end if;
  if not exists (
      select from drip.subscriptions s where s.user_id = v_user and s.queue = v_queue)
    and drip._lock_event_queue(v_name)
  then
    v_dropped := (select m.queue_length from pgmq.metrics(v_name) m);
  end if;
  return query
    select v_queue, p.pattern, 'unsubscribed'::text, v_dropped
    from unnest(v_patterns) as p (pattern);
end
$$;
comment on function drip.unsubscribe(text, text) is
  'Ends one subscription of a queue, or all of them for null, one row each. The last one drops the
   queue; dropped says how many events were still in it. Outcome: unsubscribed, not_subscribed.';
grant execute on function drip.unsubscribe(text, text) to drip_app;
