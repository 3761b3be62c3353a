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

create function drip._check_event_queue(p_queue text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue constant text := lower(btrim(p_queue));
begin
  if coalesce(v_queue, '') !~ '^[a-z][a-z0-9_]{0,29}$' then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is no name of a queue',
                                 pg_catalog.quote_nullable(left(p_queue, 60))),
      'Use up to 30 letters, digits and _, beginning with a letter, such as crm_events.');
  end if;
  return v_queue;
end
$$;
comment on function drip._check_event_queue(text) is
  'The name of a queue in lower case; DR001 when it cannot be one.';

create function drip._find_event_queue(p_user bigint, p_queue text) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue constant text := drip._check_event_queue(p_queue);
  v_name text;
begin
  select s.queue_name
  into v_name
  from drip.subscriptions s
  where s.user_id = p_user and s.queue = v_queue
  limit 1;
  if v_name is null or not drip._hold_event_queue(v_name) then
    perform drip._fail(
      'DR012', pg_catalog.format('nothing is subscribed into a queue %s',
                                 pg_catalog.quote_literal(v_queue)),
      coalesce(
        'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
          v_queue,
          array(select s.queue from drip.subscriptions s where s.user_id = p_user))) || '.',
        'Subscribe first: select * from drip.subscribe(''crm'', ''message.*'').'));
  end if;
  return v_name;
end
$$;
comment on function drip._find_event_queue(bigint, text) is
  'The name in pgmq of a tenant''s queue, held until the transaction ends; DR012 if there is none.';
