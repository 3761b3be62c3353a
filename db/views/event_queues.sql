-- Events that wait to be read: a queue without a reader only grows, which shows here.
create view drip.event_queues with (security_barrier) as
select
  s.user_id,
  u.name as user_name,
  s.queue,
  s.patterns,
  coalesce(w.waiting, 0) as waiting,
  w.oldest_at,
  s.subscribed_at
from (
  select
    b.user_id,
    b.queue,
    b.queue_name,
    array_agg(b.pattern order by b.pattern) as patterns,
    min(b.created_at) as subscribed_at
  from drip.subscriptions b
  -- needs no join here; else PostgreSQL 15 keeps joins that a query does not need
  where drip._policies_hold('event_queues')
  group by b.user_id, b.queue, b.queue_name
) s
join drip.users u on u.id = s.user_id
left join (
  select c.relname, count(*) as waiting, min(e.enqueued_at) as oldest_at
  from drip.waiting_events e
  join pg_catalog.pg_class c on c.oid = e.tableoid
  group by c.relname
) w on w.relname = 'q_' || s.queue_name;
comment on view drip.event_queues is
  'Grain: queue of events (user_id, queue). Its subscriptions and its waiting events.';
comment on column drip.event_queues.user_id is 'Tenant.';
comment on column drip.event_queues.user_name is 'Its name.';
comment on column drip.event_queues.queue is 'Name for read_events and ack_events.';
comment on column drip.event_queues.patterns is 'Types of events that it gets.';
comment on column drip.event_queues.waiting is
  'Events without an ack, including those that a reader has just read.';
comment on column drip.event_queues.oldest_at is
  'When the oldest of them was added; long ago means that nobody reads the queue.';
comment on column drip.event_queues.subscribed_at is 'When its first subscription was made.';
alter view drip.event_queues owner to drip_view;
grant select on drip.event_queues to drip_reader;
