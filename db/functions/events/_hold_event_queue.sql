-- A queue of events is a table of pgmq under our owner; applications know it by its own name and
-- hold no right on it. Whoever writes into it or reads it locks the table first, until the
-- transaction ends, and only the sweep that drops it takes it alone, without waiting: so nobody
-- waits for anybody, and no transaction meets a queue that is gone.
create function drip._hold_event_queue(p_queue_name text) returns boolean
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
comment on function drip._hold_event_queue(text) is
  'Keeps a queue of events from being dropped until the transaction ends; false if there is none.';
