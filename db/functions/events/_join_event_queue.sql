-- As a child of waiting_events a queue is counted with all others. That locks the parent until
-- commit: whoever leaves a subscribing transaction open must not make other tenants wait. So
-- nothing here waits, and the sweep does later what could not be done.
create function drip._join_event_queue(p_queue_name text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table drip.waiting_events in share update exclusive mode nowait;
  execute pg_catalog.format(
    'lock table pgmq.%I in access exclusive mode nowait', 'q_' || p_queue_name);
  execute pg_catalog.format(
    'alter table pgmq.%I inherit drip.waiting_events', 'q_' || p_queue_name);
  return true;
exception
  when lock_not_available or undefined_table then
    return false;
end
$$;
comment on function drip._join_event_queue(text) is
  'Makes a queue of events a child of waiting_events, so that it is counted; false where that
   would have to wait.';
