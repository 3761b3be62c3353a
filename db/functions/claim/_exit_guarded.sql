-- The claim waits for no row that an application may have locked: a journey with a locked
-- enrollment or message does not end now, and its guard is asked again in a few seconds.
create function drip._exit_guarded(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_held bigint[];
  v_free bigint[];
begin
  select array_agg(q.id)
  into v_free
  from (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_ids) and e.completed_at is null
    order by e.id
    for no key update skip locked
  ) q;
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.sequence_contact_id = any (v_free) and m.status || '' = 'pending'
    order by m.id
    for no key update skip locked
  )
  select array_agg(distinct m.sequence_contact_id)
  into v_held
  from drip.broadcast_messages m
  where m.sequence_contact_id = any (v_free)
    and m.status || '' = 'pending'
    and m.id not in (select k.id from locked k);
  v_free := array(
    select f.id from unnest(v_free) as f (id) where f.id <> all (coalesce(v_held, '{}')));
  perform drip._exit_enrollments(v_free, 'exit_if');
  update drip.broadcast_messages m
  set not_before = drip.now() + interval '5 seconds', deferred_reason = 'not_due'
  where m.id in (
    select q.id
    from drip.broadcast_messages q
    where q.sequence_contact_id = any (p_ids)
      and q.sequence_contact_id <> all (v_free)
      and q.status || '' = 'pending'
      and q.due_at <= drip.now()
    order by q.id
    for no key update skip locked);
end
$$;
comment on function drip._exit_guarded(bigint[]) is
  'Ends these journeys because their guard exit_if said so; locked ones wait 5 s.';
