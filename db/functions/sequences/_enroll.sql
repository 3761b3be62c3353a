-- The one way into a sequence. One statement judges, inserts the enrollments, decides by the
-- inserted rows who is in, and plans all of their messages; a timeline is computed once per start
-- and zone. Callers have locked the leads' rows, so nobody else is enrolling them; no lead is given
-- twice. The planner has no estimates behind an insert, so no two large sets are joined without an
-- index: with such a join 500 leads took 2 s, without it 0.05 s. The plan mode applies to the
-- foreign keys' own queries too: under force_custom_plan they were planned anew for each row, and
-- 300,000 messages took 13.7 s of processor time instead of 6.5 s.
create function drip._enroll(
  p_sequence_id bigint, p_lead_ids bigint[], p_at timestamptz, p_attributes jsonb, p_key text,
  p_chained_from timestamptz[] default null)
returns table (
  lead_id bigint, enrollment_id bigint, outcome text, reason text,
  first_at timestamptz, last_at timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_key constant text := coalesce(p_key, '');
  v_sequence drip.sequences;
  v_zone text;
  v_first drip.sequence_steps;
  v_types text[];
  v_valid interval[];
  v_start timestamptz;
  v_devices bigint[];
begin
  -- the lock that the foreign keys take anyway, but before the steps are read: an edit of the steps
  -- comes entirely before or after
  select s.*
  into v_sequence
  from drip.sequences s
  where s.id = p_sequence_id
  for key share;
  if v_sequence.status is distinct from 'active' then
    return query
      select l.id, null::bigint, 'sequence_not_active', v_sequence.status,
        null::timestamptz, null::timestamptz
      from unnest(p_lead_ids) as l (id);
    return;
  end if;
  select st.*
  into v_first
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id and st.retired_at is null
  order by st.day_number
  limit 1;
  select
    array_agg(st.message_type order by st.day_number),
    array_agg(st.valid_for order by st.day_number)
  into v_types, v_valid
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id and st.retired_at is null;
  select u.time_zone into v_zone from drip.users u where u.id = v_sequence.user_id;
  v_start := coalesce(p_at, v_now + drip._exactly(v_sequence.start_delay));
  if v_sequence.device_id is null then
    v_devices := drip._place_leads(
      v_sequence.user_id, null, p_lead_ids, cardinality(v_types));
  end if;

  return query
    with judged as materialized (
      select j.*
      from drip._judge_enrollments(
        v_sequence, v_zone, p_lead_ids, v_devices, p_chained_from, v_key, p_at, v_start,
        v_first.trigger_delay_hours) j
    ),
    timelines as materialized (
      select g.start, g.zone, t.step_ids, t.times
      from (
        select distinct j.start, j.zone
        from judged j
        where j.refusal is null
      ) g
      cross join lateral (
        select
          array_agg(q.sequence_stepid order by q.day_number) as step_ids,
          array_agg(q.at order by q.day_number) as times
        from drip._timeline(v_sequence.id, g.start, g.zone) q
      ) t
    ),
    enrolled as (
      insert into drip.sequence_contacts as e (
        user_id, sequence_id, lead_id, key, attributes, contact_phone, contact_name,
        current_trigger, current_step, sequence_stepid, next_trigger_time, assigned_device_id,
        exclusive_group, status, enrolled_at, starts_at)
      select
        v_sequence.user_id, v_sequence.id, j.id, v_key, coalesce(p_attributes, '{}'), j.phone,
        j.name, v_first.trigger, v_first.day_number, v_first.id, t.times[1], j.device_id,
        v_sequence.exclusive_group,
        case when j.is_paused then 'paused' else 'pending' end, v_now, j.start
      from judged j
      join timelines t on t.start = j.start and t.zone = j.zone
      where j.refusal is null
      order by j.phone
      on conflict do nothing
      returning
        e.id, e.lead_id, e.contact_phone, e.contact_name, e.assigned_device_id, e.next_trigger_time
    ),
    -- The steps after the first depend only on its time and the zone.
    journeys as materialized (
      select e.*, t.step_ids, t.times
      from enrolled e
      join drip.leads l on l.id = e.lead_id
      join (
        select distinct on (q.zone, q.times[1]) q.zone, q.step_ids, q.times
        from timelines q
        order by q.zone, q.times[1]
      ) t on t.zone = coalesce(l.time_zone, v_zone) and t.times[1] = e.next_trigger_time
    ),
    messages as (
      insert into drip.broadcast_messages (
        user_id, device_id, lead_id, sequence_id, sequence_stepid, sequence_contact_id,
        recipient_phone, recipient_name, category, message_type, priority, scheduled_at,
        planned_at, expires_at, status, created_at)
      select
        v_sequence.user_id, e.assigned_device_id, e.lead_id, v_sequence.id, t.step_id, e.id,
        e.contact_phone, e.contact_name, v_sequence.category, t.message_type,
        v_sequence.priority, t.at, t.at, t.at + drip._exactly(t.valid_for), 'pending', v_now
      from journeys e
      cross join lateral unnest(e.step_ids, e.times, v_types, v_valid)
        as t (step_id, at, message_type, valid_for)
    )
    select
      q.lead_id, max(q.enrollment_id), coalesce(max(q.outcome), 'already_enrolled'),
      max(q.reason), max(q.first_at), max(q.last_at)
    from (
      select
        e.lead_id, e.id as enrollment_id, 'enrolled' as outcome, null as reason,
        e.times[1] as first_at, e.times[cardinality(e.times)] as last_at
      from journeys e
      union all
      select j.id, j.existing_id, j.refusal, j.reason, x.first_at, x.last_at
      from judged j
      left join lateral (
        select min(m.scheduled_at) as first_at, max(m.scheduled_at) as last_at
        from drip.broadcast_messages m
        where j.refusal = 'already_enrolled' and m.sequence_contact_id = j.existing_id
      ) x on true
    ) q
    group by q.lead_id;

  if v_start <= v_now + interval '15 seconds' or p_chained_from is not null then
    perform drip._wake_soon(v_sequence.user_id, v_sequence.priority);
  end if;
end
$$;
comment on function drip._enroll(bigint, bigint[], timestamptz, jsonb, text, timestamptz[]) is
  'Enrolls leads of the sequence''s tenant and plans their messages; one row per lead: enrolled,
   already_enrolled, suppressed, exclusive or sequence_not_active.';

-- Due so soon that a parked device would send it late.
create function drip._wake_soon(p_user_id bigint, p_priority smallint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_soon constant timestamptz := drip.now() + interval '15 seconds';
begin
  perform drip._notify_wake(array(
    select d.id
    from drip.user_devices d
    where d.user_id = p_user_id
      and exists (
        select
        from drip.broadcast_messages m
        where m.device_id = d.id and m.status = 'pending' and m.priority = p_priority
          and m.due_at <= v_soon)));
end
$$;
comment on function drip._wake_soon(bigint, smallint) is
  'Wakes the devices of a tenant for which messages of a class are due within 15 seconds.';
