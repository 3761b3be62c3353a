-- A queue of events is a pgmq table of our owner; applications use their own name for it and have
-- no right on it. Readers and writers lock the table in a shared mode until commit; only the sweep
-- that drops it locks it exclusively, without waiting. So nobody waits, and no transaction finds
-- its queue gone.
create function drip._lock_event_queue(p_queue_name text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute pg_catalog.format('lock table pgmq.%I in row exclusive mode', 'q_' || p_queue_name);
  return true;
exception
  when undefined_table then
    return false;
end
$$;
comment on function drip._lock_event_queue(text) is
  'Locks a queue of events against being dropped until commit; false if there is none.';
