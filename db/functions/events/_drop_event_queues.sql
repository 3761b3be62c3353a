-- A queue without a subscription goes when nobody uses it. Nothing here waits: what is in use stays
-- for the next time.
create function drip._drop_event_queues() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_count bigint := 0;
begin
  for v_name in
    select q.queue_name
    from pgmq.meta q
    where q.queue_name ~ '^drip_u\d+_'
      and not exists (select from drip.subscriptions s where s.queue_name = q.queue_name)
    order by q.queue_name
  loop
    if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended(v_name, 0)) then
      continue;
    end if;
    begin
      execute pg_catalog.format(
        'lock table pgmq.%I in access exclusive mode nowait', 'q_' || v_name);
      -- a new subscriber may have come before the lock
      if not exists (select from drip.subscriptions s where s.queue_name = v_name) then
        perform pgmq.drop_queue(v_name);
        v_count := v_count + 1;
      end if;
    exception
      when lock_not_available then
        null;
    end;
  end loop;
  return v_count;
end
$$;
comment on function drip._drop_event_queues() is
  'Drops the queues that nothing is subscribed into any more; returns how many.';
