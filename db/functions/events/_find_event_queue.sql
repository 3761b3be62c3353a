-- Reading a queue locks it, so that it is not dropped meanwhile.
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
  if v_name is null or not drip._lock_event_queue(v_name) then
    perform drip._fail(
      'DR012', pg_catalog.format('no subscription uses a queue %s',
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
  'The name in pgmq of a tenant''s queue, locked until commit; DR012 if there is none.';
