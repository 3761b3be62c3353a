-- After unknown_hold an unknown message counts as finished for order and completion.
create function drip._end_unknown_holds(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_count bigint;
  v_enrollments bigint[];
begin
  with held as (
    select m.id
    from drip.broadcast_messages m
    join drip.users u on u.id = m.user_id
    where m.status = 'unknown'
      and m.hold_ended_at is null
      and (p_user_id is null or m.user_id = p_user_id)
      and m.finished_at + drip._exactly(u.unknown_hold) <= v_now
    order by m.id
    limit p_limit
    for no key update of m skip locked
  ),
  ended as (
    update drip.broadcast_messages m
    set hold_ended_at = v_now
    from held h
    where m.id = h.id
    returning m.sequence_contact_id
  )
  select count(*), array_agg(e.sequence_contact_id)
    filter (where e.sequence_contact_id is not null)
  into v_count, v_enrollments
  from ended e;
  if v_enrollments is not null then
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  end if;
  return v_count;
end
$$;
comment on function drip._end_unknown_holds(integer, bigint) is
  'Ends the unknown_hold of messages whose time is over; returns how many.';
