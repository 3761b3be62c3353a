-- What a new status means for messages and journeys, whoever wrote it. Waiting for each pending
-- row is the point: once a pause has committed, nothing unclaimed leaves.
create or replace function drip._apply_sequence_status() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_live constant bigint[] := array(
    select e.id
    from drip.sequence_contacts e
    where e.sequence_id = new.id
      and e.status in ('pending', 'active', 'sent', 'failed', 'paused')
    order by e.id);
begin
  if new.status = 'paused' then
    perform drip._hold_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.sequence_contact_id = any (v_live) and m.status = 'pending'),
      'sequence_paused');
    perform drip._mark_paused(v_live);
  elsif new.status = 'active' and old.status = 'paused' then
    perform drip._resume_messages(
      v_live, old.paused_at,
      coalesce(nullif(current_setting('drip.resume_policy', true), ''), 'shift'));
    -- In slices: made for the results of a claim, a sync of 100,000 at once did not end.
    for v_from in 1 .. cardinality(v_live) by 500 loop
      perform drip._sync_enrollments(v_live[v_from:v_from + 499]);
    end loop;
    perform drip._forget_results(null, new.id);
  elsif new.status = 'archived' then
    perform drip._exit_enrollments(v_live, 'sequence_archived');
  end if;
  return null;
end
$$;
comment on function drip._apply_sequence_status() is
  'Holds, frees or cancels the pending messages of a sequence when its status changes.';

create or replace trigger apply_sequence_status
  after update of status on drip.sequences
  for each row when (new.status is distinct from old.status)
  execute function drip._apply_sequence_status();

-- The sweep looks at once when something changed that decides who matches.
create or replace function drip._announce_sequence() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform pg_notify('drip_enroll', '');
  return null;
end
$$;
comment on function drip._announce_sequence() is
  'Tells the workers that leads may match a sequence now.';

create or replace trigger announce_sequence
  after update on drip.sequences
  for each row
  when (new.status = 'active' and new.swept_at is null and new.swept_to_lead_id = 0)
  execute function drip._announce_sequence();

-- Held: not before the end of time, with the reason that explain and views show. A worker that
-- pauses a program leaves the rows that somebody holds (drip.hold_policy).
create function drip._hold_messages(p_ids bigint[], p_reason text) returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  v_ids bigint[];
begin
  if current_setting('drip.hold_policy', true) = 'skip' then
    v_ids := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_ids) and m.status = 'pending'
      order by m.id
      for no key update skip locked);
  else
    v_ids := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_ids) and m.status = 'pending'
      order by m.id
      for no key update);
  end if;
  update drip.broadcast_messages m
  set not_before = 'infinity', deferred_reason = p_reason
  where m.id = any (v_ids) and not drip._is_resting(m);
end
$$;
comment on function drip._hold_messages(bigint[], text) is
  'Holds pending messages until they are freed; waits for rows that somebody is changing.';

-- The wait that a sender asked for after a failure outlasts a pause and its end: the claim judges
-- the pause itself, and nothing else remembers the wait.
create function drip._is_resting(p_message drip.broadcast_messages) returns boolean
language sql stable parallel safe
as $$
  select p_message.failures > 0
    and coalesce(p_message.deferred_reason = 'not_due', false)
    and p_message.not_before > drip.now()
$$;
comment on function drip._is_resting(drip.broadcast_messages) is
  'True while a message waits after a failure, for as long as the sender or error_codes said.';

-- A pause wins over every live state, so nothing is derived here. A row that somebody holds is left
-- to the next tick.
create function drip._mark_paused(p_enrollments bigint[]) returns void
language sql volatile
as $$
  with locked as (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_enrollments) and e.completed_at is null
    order by e.id
    for no key update skip locked
  ),
  marked as (
    update drip.sequence_contacts e
    set status = 'paused'
    from locked k
    where e.id = k.id
    returning e.id
  )
  insert into drip.sync_backlog (enrollment_id, noted_at)
  select e.id, drip.now()
  from unnest(p_enrollments) as e (id)
  except
  select m.id, drip.now()
  from marked m
$$;
comment on function drip._mark_paused(bigint[]) is
  'Shows these live journeys as paused.';

-- shift: the pause does not count, later steps keep their spacing and their send_time;
-- catch_up: times stay; skip: what the pause made overdue is skipped.
create function drip._resume_messages(
  p_enrollments bigint[], p_paused_at timestamptz, p_policy text)
returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
  v_moved bigint;
  v_skipped bigint;
begin
  with locked as (
    select
      m.id, m.user_id, m.lead_id, m.sequence_contact_id, m.sequence_stepid, m.scheduled_at,
      m.created_at
    from drip.broadcast_messages m
    where m.sequence_contact_id = any (p_enrollments) and m.status = 'pending'
    order by m.id
    for no key update
  ),
  moved as (
    select
      k.id,
      p_policy = 'skip' and k.scheduled_at <= v_now as is_skipped,
      case
        when p_policy = 'shift' then max(
          case
            when st.send_time is null then k.scheduled_at + p.length
            -- By whole days, so that a short pause does not cost a day.
            else drip._next_local_time(
              greatest(
                v_now,
                drip._local_instant(
                  (k.scheduled_at at time zone p.zone)
                    + floor(extract(epoch from p.length) / 86400) * interval '1 day',
                  p.zone)),
              p.zone, st.send_time)
          end)
          over (partition by k.sequence_contact_id order by st.day_number)
        else k.scheduled_at
      end as at
    from locked k
    join drip.sequence_steps st on st.id = k.sequence_stepid
    join drip.leads l on l.id = k.lead_id
    join drip.users u on u.id = k.user_id
    cross join lateral (
      select
        coalesce(l.time_zone, u.time_zone) as zone,
        drip._exactly(
          greatest(v_now - greatest(p_paused_at, k.created_at), interval '0')) as length
    ) p
  ),
  written as (
    update drip.broadcast_messages m
    set status = case when v.is_skipped then 'skipped' else m.status end,
      status_reason = case when v.is_skipped then 'skipped_by_resume' end,
      finished_at = case when v.is_skipped then v_now end,
      scheduled_at = v.at,
      expires_at = m.expires_at + drip._exactly(v.at - m.scheduled_at),
      not_before = case when drip._is_resting(m) and not v.is_skipped then m.not_before end,
      deferred_reason = case when drip._is_resting(m) and not v.is_skipped then 'not_due' end
    from moved v
    where m.id = v.id
    returning m.device_id, m.due_at, m.status
  )
  select
    count(*) filter (where w.status = 'pending' and p_policy = 'shift'),
    count(*) filter (where w.status = 'skipped'),
    array_agg(distinct w.device_id)
      filter (where w.status = 'pending' and w.due_at <= v_now + interval '15 seconds')
  into v_moved, v_skipped, v_devices
  from written w;
  perform drip._notify_wake(v_devices);
  -- For the verb, in this transaction.
  perform set_config('drip.resumed', json_build_array(v_moved, v_skipped)::text, true);
end
$$;
comment on function drip._resume_messages(bigint[], timestamptz, text) is
  'Frees the pending messages of paused journeys by a policy: shift, catch_up or skip.';
