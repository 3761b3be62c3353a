-- Drops a queue without a subscription once nobody uses it. Nothing here waits: a queue in use is
-- left for the next run. pgmq.drop_queue would wait for an advisory lock that any login can take;
-- we need no such lock, because the name of a queue is never used twice. Dropping one takes some 33
-- locks, which are kept until commit: so only so many in a run.
create function drip._drop_event_queues() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant bigint := 50;
  v_name text;
  v_count bigint := 0;
begin
  perform drip._join_event_queue(q.queue_name)
  from (select distinct s.queue_name from drip.subscriptions s) q
  join pg_catalog.pg_class c
    on c.relname = 'q_' || q.queue_name and c.relnamespace = 'pgmq'::regnamespace
  where not exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid);
  for v_name in
    select q.queue_name
    from pgmq.meta q
    where q.queue_name ~ e'^drip_(u\\d+|q)_'
      and not exists (select from drip.subscriptions s where s.queue_name = q.queue_name)
    order by q.queue_name
  loop
    exit when v_count >= c_most;
    begin
      execute pg_catalog.format(
        'lock table pgmq.%I in access exclusive mode nowait', 'q_' || v_name);
      -- somebody may have subscribed before we got the lock
      if not exists (select from drip.subscriptions s where s.queue_name = v_name) then
        execute pg_catalog.format('drop table pgmq.%I, pgmq.%I', 'q_' || v_name, 'a_' || v_name);
        delete from pgmq.meta q where q.queue_name = v_name;
        v_count := v_count + 1;
      end if;
    exception
      when lock_not_available or undefined_table then
        null;
    end;
  end loop;
  return v_count;
end
$$;
comment on function drip._drop_event_queues() is
  'Drops queues that no subscription uses any more, at most 50; returns how many.';
