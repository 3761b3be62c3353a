-- Our owner creates the queue: writing into an application's own queue would fail our transactions
-- where we lack a right on it.
create function drip.subscribe(p_queue text, p_pattern text)
returns table (queue text, pattern text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_most constant integer := 100;
  v_user constant bigint := drip._tenant();
  v_queue constant text := drip._check_event_queue(p_queue);
  v_pattern constant text := lower(btrim(p_pattern));
  v_matches constant text := drip._event_pattern(v_pattern);
  v_name text;
  v_outcome text := 'already_subscribed';
begin
  perform drip._require_role('drip_app');
  -- two sessions must not create two tables for one queue
  perform drip._lock_all('queues', v_user);
  if (select count(*)
      from drip.subscriptions s
      where s.user_id = v_user and (s.queue, s.pattern) <> (v_queue, v_pattern)) >= c_most
  then
    perform drip._fail(
      'DR005', pg_catalog.format('there are %s subscriptions already', c_most),
      'End one first: select * from drip.unsubscribe(queue, pattern).');
  end if;
  select s.queue_name
  into v_name
  from drip.subscriptions s
  where s.user_id = v_user and s.queue = v_queue
  limit 1;
  if v_name is null or not drip._lock_event_queue(v_name) then
    v_name := drip._create_event_queue();
    update drip.subscriptions s
    set queue_name = v_name
    where s.user_id = v_user and s.queue = v_queue;
  end if;
  insert into drip.subscriptions (user_id, queue, pattern, matches, queue_name, created_at)
  values (v_user, v_queue, v_pattern, v_matches, v_name, drip.now())
  on conflict (user_id, queue, pattern) do nothing;
  if found then
    v_outcome := 'subscribed';
  end if;
  return query select v_queue, v_pattern, v_outcome;
end
$$;
comment on function drip.subscribe(text, text) is
  'Puts the tenant''s events that match a pattern into a queue from now on, and creates the queue:
   message.*, lead.replied, *.completed, # for all (* is one word, # any number). Outcome:
   subscribed, already_subscribed. Types and bodies: docs/events.md.';
grant execute on function drip.subscribe(text, text) to drip_app;

-- pgmq locks a queue by an advisory lock on its name, which any login that guesses the name could
-- take. A random name also tells readers of pg_class nothing about the tenant.
create function drip._create_event_queue() returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
as $$
declare
  v_name constant text := 'drip_q_' || replace(gen_random_uuid()::text, '-', '');
begin
  perform pgmq.create(v_name);
  perform drip._join_event_queue(v_name);
  return v_name;
end
$$;
comment on function drip._create_event_queue() is
  'Creates a queue of events in pgmq; returns its name.';

-- Dots join the words of a type. A pattern that no event can match is a typing error.
create function drip._event_pattern(p_pattern text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_matches text;
begin
  if coalesce(p_pattern, '') ~ e'^([a-z_]+|\\*|#)(\\.([a-z_]+|\\*|#)){0,3}$'
    and length(p_pattern) <= 100
  then
    v_matches := replace(replace(p_pattern, '.', e'\\.'), '*', '[^.]+');
    v_matches := replace(v_matches, e'\\.#', e'(\\.[^.]+)*');
    v_matches := regexp_replace(v_matches, e'^#\\\\\\.', e'([^.]+\\\\.)*');
    v_matches := '^' || regexp_replace(v_matches, '^#', '.*') || '$';
  end if;
  if v_matches is null
    or not exists (select from drip._event_types() t where t.type ~ v_matches)
  then
    perform drip._fail(
      'DR001', pg_catalog.format('%s matches no type of event',
                                 pg_catalog.quote_nullable(left(p_pattern, 60))),
      'Types: ' || (
          select string_agg(q.names, ', ' order by q.place)
          from (
            select
              split_part(t.type, '.', 1) || '.'
                || string_agg(split_part(t.type, '.', 2), '|' order by t.place) as names,
              min(t.place) as place
            from drip._event_types() with ordinality as t (type, version, place)
            group by split_part(t.type, '.', 1)
          ) q)
        || '; * stands for a word, # for all.');
  end if;
  return v_matches;
end
$$;
comment on function drip._event_pattern(text) is
  'The regular expression of a pattern of event types; DR001 when no event matches it.';
