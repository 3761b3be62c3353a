-- Ends journeys before their last step. In the lock order: enrollments, then messages, in id order;
-- a locked lead is not marked (the sweep finds it anyway).
create function drip._exit_enrollments(p_ids bigint[], p_reason text)
returns table (enrollment_id bigint, lead_id bigint, cancelled integer)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_ids bigint[];
begin
  select array_agg(q.id order by q.id)
  into v_ids
  from (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_ids) and e.completed_at is null
    order by e.id
    for no key update
  ) q;
  if v_ids is null then
    return;
  end if;
  return query
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.sequence_contact_id = any (v_ids) and m.status = 'pending'
      order by m.id
      for no key update
    ),
    cancelled as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = p_reason, finished_at = v_now,
        not_before = null, deferred_reason = null
      from locked k
      where m.id = k.id
      returning m.sequence_contact_id
    ),
    counted as (
      select c.sequence_contact_id, count(*)::integer as messages
      from cancelled c
      group by c.sequence_contact_id
    ),
    exited as (
      update drip.sequence_contacts e
      set status = 'exited', exit_reason = p_reason, completed_at = v_now,
        next_trigger_time = null
      where e.id = any (v_ids)
      returning e.id, e.lead_id
    )
    select x.id, x.lead_id, coalesce(c.messages, 0)
    from exited x
    left join counted c on c.sequence_contact_id = x.id
    order by x.id;
  -- A token that waited for an exclusive group is matched again.
  with freed as (
    select l.id
    from drip.leads l
    where l.id in (
        select e.lead_id
        from drip.sequence_contacts e
        where e.id = any (v_ids) and e.exclusive_group is not null)
      and not l.enroll_check
    order by l.id
    for no key update skip locked
  )
  update drip.leads l set enroll_check = true from freed f where l.id = f.id;
  if found then
    perform pg_notify('drip_enroll', '');
  end if;
end
$$;
comment on function drip._exit_enrollments(bigint[], text) is
  'Cancels the pending messages of these live journeys and marks them exited, with the reason.';
