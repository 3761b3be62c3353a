-- A late send shifts the following steps and keeps their spacing. Lateness of up to a minute is
-- pacing and moves no row: the verdict keeps the exact spacing from the real send anyway, so a row
-- that an application has locked can stay as it is. The planner settings make sure of nested loops
-- over indexes, whatever statistics say: the sets are small, the tables large, and a plan cached
-- while a table was empty must not scan it later. status || '': else statistics of an empty table
-- make it read the index of all pending messages, 20,000 rows instead of 5.
create function drip._advance_journeys(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_material = off
set jit = off
as $$
begin
  -- chosen first, so that sent steps are read once per journey, not once per coming step
  with recursive head as materialized (
    select distinct on (m.sequence_contact_id)
      m.sequence_contact_id,
      m.id,
      m.sequence_id,
      m.scheduled_at,
      st.day_number,
      st.send_time,
      coalesce(l.time_zone, u.time_zone) as zone
    from drip.broadcast_messages m
    join drip.sequence_steps st on st.id = m.sequence_stepid
    join drip.leads l on l.id = m.lead_id
    join drip.users u on u.id = m.user_id
    where m.sequence_contact_id = any (p_ids) and m.status || '' = 'pending'
    order by m.sequence_contact_id, st.retired_at is null, st.day_number
  ),
  next_step as materialized (
    select
      h.*,
      (select max(drip._free_at(p.finished_at, p.scheduled_at, p.hours, h.send_time, h.zone))
       from drip._steps_before p
       where p.message_id = h.id and p.status in ('sent', 'failed', 'unknown')) as free_at
    from head h
  ),
  freed as (
    select
      n.*,
      case
        when n.free_at > n.scheduled_at + interval '1 minute'
          then drip._next_local_time(n.free_at, n.zone, n.send_time)
        else n.scheduled_at
      end as at
    from next_step n
  ),
  -- step by step, so that each keeps its own wait and time of day
  late as (
    select f.sequence_contact_id, f.sequence_id, f.id, f.day_number, f.zone, f.at,
      true as is_next, f.at > f.scheduled_at as moves
    from freed f
    union all
    select t.sequence_contact_id, t.sequence_id, x.id, x.day_number, t.zone, x.at, false, true
    from late t
    cross join lateral (
      select
        m.id,
        st.day_number,
        greatest(
          m.scheduled_at,
          drip._next_step_at(t.at, st.trigger_delay_hours, st.send_time, t.zone)) as at
      -- offset 0: reads the steps in order and stops at the first that waits
      from (
        select p.id, p.day_number, p.trigger_delay_hours, p.send_time
        from drip.sequence_steps p
        where p.sequence_id = t.sequence_id and p.day_number > t.day_number
        order by p.day_number
        offset 0
      ) st
      cross join lateral (
        select b.id, b.scheduled_at
        from drip.broadcast_messages b
        where b.sequence_contact_id = t.sequence_contact_id
          and b.sequence_stepid = st.id
          and b.status || '' = 'pending'
        offset 0
      ) m
      where t.moves
      order by st.day_number
      limit 1
    ) x
  ),
  locked as (
    select
      m.id,
      t.at,
      t.is_next and coalesce(
        m.deferred_reason in ('predecessor_pending', 'predecessor_unknown'), false) as is_freed
    from late t
    join drip.broadcast_messages m on m.id = t.id
    where m.status || '' = 'pending'
      and (t.at > m.scheduled_at
           or m.deferred_reason in ('predecessor_pending', 'predecessor_unknown'))
    order by m.id
    for no key update of m skip locked
  )
  update drip.broadcast_messages m
  set scheduled_at = k.at,
    expires_at = m.expires_at + drip._exactly(k.at - m.scheduled_at),
    not_before = case when not k.is_freed then m.not_before end,
    deferred_reason = case when not k.is_freed then m.deferred_reason end
  from locked k
  where m.id = k.id;
end
$$;
comment on function drip._advance_journeys(bigint[]) is
  'Moves the pending steps of these enrollments behind a late one and frees the next step.';
