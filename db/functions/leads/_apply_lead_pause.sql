-- Applies a pause of a lead, or its end, to the messages, whether a verb, a sweep or an UPDATE
-- wrote it. Journeys do not count the time of the pause, unless a policy says otherwise; campaigns
-- and single messages keep their times and go when they may.
create or replace function drip._apply_lead_pause() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_live constant bigint[] := array(
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = new.id and e.completed_at is null
    order by e.id);
  v_devices bigint[];
  v_freed bigint := 0;
  v_skipped bigint;
begin
  if new.paused_until is not null then
    -- Waits for a claim that has locked one of these rows.
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.lead_id = new.id and m.status = 'pending'
      order by m.id
      for no key update
    )
    update drip.broadcast_messages m
    set not_before = new.paused_until, deferred_reason = 'lead_paused'
    from locked k
    where m.id = k.id
      and not drip._waits_for_retry(m)
      and (m.not_before is null or m.not_before < new.paused_until
           or m.deferred_reason = 'lead_paused');
    perform drip._sync_enrollments(v_live);
    return null;
  end if;

  perform set_config('drip.resumed', '[0, 0]', true);
  perform drip._resume_messages(
    v_live, array_fill(old.paused_at, array[cardinality(v_live)]),
    least(old.paused_until, v_now));
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = new.id and m.status = 'pending' and m.sequence_contact_id is null
      and m.deferred_reason = 'lead_paused'
    order by m.id
    for no key update
  ),
  freed as (
    update drip.broadcast_messages m
    set not_before = null,
      deferred_reason = null,
      status = case when r.is_skipped then 'skipped' else m.status end,
      status_reason = case when r.is_skipped then 'skipped_by_resume' else m.status_reason end,
      finished_at = case when r.is_skipped then v_now end
    from locked k
    join drip.broadcast_messages o on o.id = k.id
    cross join lateral (
      select
        current_setting('drip.resume_policy', true) = 'skip' and o.scheduled_at <= v_now
          as is_skipped
    ) r
    where m.id = k.id
    returning m.device_id, m.scheduled_at, m.status
  )
  select
    count(*) filter (where f.status = 'pending'),
    count(*) filter (where f.status = 'skipped'),
    array_agg(distinct f.device_id)
      filter (where f.status = 'pending' and f.scheduled_at <= v_now + interval '15 seconds')
  into v_freed, v_skipped, v_devices
  from freed f;
  perform drip._sync_enrollments(v_live);
  perform drip._notify_wake(v_devices);
  -- The verb reads this within the transaction.
  perform set_config(
    'drip.resumed',
    json_build_array(
      current_setting('drip.resumed')::jsonb -> 0,
      (current_setting('drip.resumed')::jsonb ->> 1)::bigint + v_skipped,
      v_freed + (
        select count(*)
        from drip.broadcast_messages m
        where m.sequence_contact_id = any (v_live) and m.status = 'pending'
          and coalesce(m.not_before, '-infinity') < 'infinity'))::text,
    true);
  return null;
end
$$;
comment on function drip._apply_lead_pause() is
  'Trigger: defers the pending messages of a paused lead, and frees them when the pause ends.';

create or replace trigger apply_lead_pause
  after update of paused_until on drip.leads
  for each row when (new.paused_until is distinct from old.paused_until)
  execute function drip._apply_lead_pause();
