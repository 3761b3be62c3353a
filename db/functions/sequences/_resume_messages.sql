-- Ends the pause of a sequence, a lead or one journey, by the policy passed to its verb.
-- shift: the pause does not count, later steps keep their spacing and their send_time;
-- catch_up: times stay; skip: messages that became overdue in the pause are skipped.
-- Pauses overlap: what another one still pauses stays paused, and of this one only the part before
-- it counts. So time under two pauses moves nothing twice.
create function drip._resume_messages(
  p_enrollments bigint[], p_paused_at timestamptz[], p_until timestamptz)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_policy constant text :=
    coalesce(nullif(current_setting('drip.resume_policy', true), ''), 'shift');
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
  v_moved bigint;
  v_skipped bigint;
begin
  with journeys as (
    select
      e.id,
      coalesce(l.time_zone, u.time_zone) as zone,
      o.held_by,
      o.held_until,
      t.since,
      t.until,
      drip._exactly(greatest(t.until - t.since, interval '0')) as length
    from unnest(p_enrollments, p_paused_at) as g (id, paused_at)
    join drip.sequence_contacts e on e.id = g.id
    join drip.sequences s on s.id = e.sequence_id
    join drip.leads l on l.id = e.lead_id
    join drip.users u on u.id = e.user_id
    cross join lateral drip._paused_by(e, s, l) o
    cross join lateral (
      select
        greatest(g.paused_at, e.enrolled_at) as since,
        least(p_until, o.held_since) as until
    ) t
  ),
  locked as (
    select m.id, m.sequence_contact_id, m.sequence_stepid, m.scheduled_at
    from drip.broadcast_messages m
    where m.sequence_contact_id = any (p_enrollments) and m.status = 'pending'
    order by m.id
    for no key update
  ),
  moved as (
    select
      k.id,
      v_policy = 'skip' and p.until >= p.since and k.scheduled_at <= p.until as is_skipped,
      p.held_by,
      p.held_until,
      case when v_policy = 'shift' then p.length else interval '0' end as length,
      case
        when v_policy = 'shift' then max(
          drip._step_after_pause(k.scheduled_at, st.send_time, p.zone, p.since, p.until))
          over (
            partition by k.sequence_contact_id
            -- returned messages of removed steps precede all others
            order by st.retired_at is null, st.day_number)
        else k.scheduled_at
      end as at
    from locked k
    join drip.sequence_steps st on st.id = k.sequence_stepid
    join journeys p on p.id = k.sequence_contact_id
  ),
  written as (
    update drip.broadcast_messages m
    set status = case when v.is_skipped then 'skipped' else m.status end,
      status_reason = case when v.is_skipped then 'skipped_by_resume' end,
      finished_at = case when v.is_skipped then v_now end,
      scheduled_at = v.at,
      expires_at = m.expires_at + greatest(drip._exactly(v.at - m.scheduled_at), v.length),
      not_before = case
        when v.is_skipped then null
        when drip._waits_for_retry(m) then m.not_before
        else v.held_until
      end,
      deferred_reason = case
        when v.is_skipped then null
        when drip._waits_for_retry(m) then 'not_due'
        else v.held_by
      end
    from moved v
    where m.id = v.id
    returning m.device_id, m.due_at, m.status
  )
  select
    count(*) filter (where w.status = 'pending' and v_policy = 'shift'),
    count(*) filter (where w.status = 'skipped'),
    array_agg(distinct w.device_id)
      filter (where w.status = 'pending' and w.due_at <= v_now + interval '15 seconds')
  into v_moved, v_skipped, v_devices
  from written w;
  perform drip._notify_wake(v_devices);
  -- The verb reads this within the transaction.
  perform set_config('drip.resumed', json_build_array(v_moved, v_skipped)::text, true);
end
$$;
comment on function drip._resume_messages(bigint[], timestamptz[], timestamptz) is
  'Frees the pending messages of journeys that were paused since then until p_until, by the policy
   in drip.resume_policy: shift (the default), catch_up or skip.';
