-- Every login may listen and notify on drip_wake, so payloads are sealed: a listener learns no
-- device and cannot tell whether two notifications mean the same one, and foreign payloads open to
-- nothing. The same devices in one transaction give the same text, which Postgres then sends once.
create function drip._seal_devices(p_devices bigint[]) returns text
language sql volatile
as $$
  with plain as materialized (
    select pg_catalog.pg_current_xact_id()::text::bigint || p_devices as numbers
  ),
  marked as materialized (
    select p.numbers, drip._wake_mark(p.numbers) as mark from plain p
  )
  select m.mark || ',' || string_agg(
    to_hex(n.number # drip._wake_key(m.mark, n.place)), ',' order by n.place)
  from marked m
  cross join unnest(m.numbers) with ordinality n (number, place)
  group by m.mark
$$;
comment on function drip._seal_devices(bigint[]) is
  'The devices as text that only _open_devices can read; an empty list stands for all.';
