-- A late send shifts what follows and keeps the spacing. Lateness of up to a minute is pacing and
-- moves no row: the verdict keeps the exact spacing from the real send anyway, and so a row that an
-- application holds is left as it is.
-- The planner settings keep the plans nested loops over indexes, whatever statistics say: the sets
-- are small, the tables large, and a plan cached while a table was empty must not scan it later.
create function drip._advance_journeys(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
begin
  with next_step as (
    select distinct on (m.sequence_contact_id)
      m.sequence_contact_id,
      m.scheduled_at,
      st.day_number,
      st.send_time,
      coalesce(l.time_zone, u.time_zone) as zone,
      (select max(p.finished_at)
       from drip.broadcast_messages p
       where p.sequence_contact_id = m.sequence_contact_id
         and p.status in ('sent', 'failed', 'unknown'))
        + st.trigger_delay_hours * interval '1 hour' as free_at
    from drip.broadcast_messages m
    join drip.sequence_steps st on st.id = m.sequence_stepid
    join drip.leads l on l.id = m.lead_id
    join drip.users u on u.id = m.user_id
    where m.sequence_contact_id = any (p_ids) and m.status = 'pending'
    order by m.sequence_contact_id, st.day_number
  ),
  late as (
    select
      n.sequence_contact_id,
      n.day_number,
      case
        when n.free_at <= n.scheduled_at + interval '1 minute' then interval '0'
        when n.send_time is null then n.free_at - n.scheduled_at
        else (
          select min(o.at)
          from (
            select (
              (n.free_at at time zone n.zone)::date + day.n + n.send_time) at time zone n.zone as at
            from generate_series(0, 1) as day (n)
          ) o
          where o.at >= n.free_at) - n.scheduled_at
      end as shift
    from next_step n
  ),
  locked as (
    select m.id, l.shift, st.day_number = l.day_number as is_next
    from late l
    join drip.broadcast_messages m on m.sequence_contact_id = l.sequence_contact_id
    join drip.sequence_steps st on st.id = m.sequence_stepid
    where m.status = 'pending'
      and (l.shift > interval '0'
           or (st.day_number = l.day_number
               and m.deferred_reason in ('predecessor_pending', 'predecessor_unknown')))
    order by m.id
    for no key update of m skip locked
  )
  update drip.broadcast_messages m
  set scheduled_at = m.scheduled_at + k.shift,
    expires_at = m.expires_at + k.shift,
    not_before = case
      when k.is_next and m.deferred_reason in ('predecessor_pending', 'predecessor_unknown')
        then null
      else m.not_before
    end,
    deferred_reason = case
      when k.is_next and m.deferred_reason in ('predecessor_pending', 'predecessor_unknown')
        then null
      else m.deferred_reason
    end
  from locked k
  where m.id = k.id;
end
$$;
comment on function drip._advance_journeys(bigint[]) is
  'Moves the pending steps of these enrollments behind a late one and frees the next step.';
