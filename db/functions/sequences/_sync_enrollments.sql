-- The only place that derives an enrollment's state from its messages. A locked row is noted in
-- sync_backlog for the next tick. Completing hands the last step's next_trigger to the lead in the
-- same transaction, so it locks the lead's row as well. The planner settings make sure of nested
-- loops over indexes, whatever statistics say: the sets are small, the tables large, and a plan
-- cached while a table was empty must not scan it later. status || '': else statistics of an empty
-- table make it read the index of all pending messages, 20,000 rows instead of 5.
create function drip._sync_enrollments(p_ids bigint[])
returns table (enrollment_id bigint, status text, synced boolean)
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
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_locked bigint[];
  v_finishing bigint[];
  v_leads bigint[];
  v_deriving constant text := coalesce(current_setting('drip.deriving', true), '');
begin
  select array_agg(q.id)
  into v_locked
  from (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_ids) and e.completed_at is null
    order by e.id
    for no key update skip locked
  ) q;

  -- journeys that finish now and have a trigger for the lead
  select
    array_agg(e.id),
    array_agg(distinct e.lead_id)
  into v_finishing, v_leads
  from drip._enrollment_facts x
  join drip.sequence_contacts e on e.id = x.enrollment_id
  where x.enrollment_id = any (v_locked) and x.is_finished;

  if v_finishing is not null then
    select array_agg(q.id)
    into v_leads
    from (
      select l.id
      from drip.leads l
      where l.id = any (v_leads)
      order by l.id
      for no key update skip locked
    ) q;
    -- a journey whose lead is locked waits for the next tick
    select array_agg(e.id)
    into v_locked
    from drip.sequence_contacts e
    where e.id = any (v_locked)
      and (e.id <> all (v_finishing) or e.lead_id = any (v_leads));

    update drip.leads l
    set trigger = drip._add_token(l.trigger, t.tokens),
      chained = l.chained || t.chained,
      enroll_check = true,
      updated_at = v_now
    from (
      select
        e.lead_id,
        string_agg(distinct x.next_trigger, ',') as tokens,
        coalesce(
          jsonb_object_agg(lower(btrim(x.next_trigger)), x.last_sent_at)
            filter (where x.next_trigger is not null),
          '{}') as chained
      from drip._enrollment_facts x
      join drip.sequence_contacts e on e.id = x.enrollment_id
      where x.enrollment_id = any (v_finishing)
        and x.status = 'completed'
        and x.next_trigger is not null
      group by e.lead_id
    ) t
    where l.id = t.lead_id and l.id = any (v_leads);

    -- a token that waited for an exclusive group is matched again
    update drip.leads l
    set enroll_check = true
    from drip.sequence_contacts e
    where e.id = any (v_finishing)
      and e.exclusive_group is not null
      and l.id = e.lead_id
      and l.id = any (v_leads)
      and not l.enroll_check;
  end if;

  insert into drip.sync_backlog (enrollment_id, noted_at)
  select e.id, v_now
  from drip.sequence_contacts e
  where e.id = any (p_ids)
    and e.completed_at is null
    and e.id <> all (coalesce(v_locked, '{}'));

  -- Derived status is not a user's request; only a superuser may say so in a set clause.
  perform set_config('drip.deriving', 'yes', true);
  return query
    with states as materialized (
      select x.* from drip._enrollment_facts x where x.enrollment_id = any (v_locked)
    ),
    stopped as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = 'enrollment_finished', finished_at = v_now,
        not_before = null, deferred_reason = null
      where m.id in (
        select q.id
        from states s
        join drip.broadcast_messages q on q.sequence_contact_id = s.enrollment_id
        where s.status = 'sequence_failed' and q.status || '' = 'pending'
        order by q.id
        for no key update of q skip locked)
    ),
    synced as (
      update drip.sequence_contacts e
      set status = s.status,
        current_step = s.current_step,
        sequence_stepid = s.sequence_stepid,
        current_trigger = s.current_trigger,
        next_trigger_time = case when not s.is_finished then s.next_trigger_time end,
        completed_at = case when s.is_finished then v_now end
      from states s
      where e.id = s.enrollment_id
      returning e.id, e.status
    )
    select s.id, s.status, true from synced s
    union all
    select e.id, e.status, false
    from drip.sequence_contacts e
    where e.id = any (p_ids) and not exists (select from synced s where s.id = e.id);
  perform set_config('drip.deriving', v_deriving, true);
end
$$;
comment on function drip._sync_enrollments(bigint[]) is
  'Brings status, step and next time of these live enrollments up to date with their messages.';
