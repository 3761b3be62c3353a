-- After a claim ended its session, the worker claims for each of these alone, to find out whose
-- guards do it. It reads as many heads as the first pass of a claim.
create function drip.list_guarded_users()
returns table (user_id bigint, has_own_guards boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_heads constant integer := 50;
  v_now constant timestamptz := drip.now();
  v_steps bigint[];
begin
  perform drip._require_role('drip_worker');
  v_steps := array(
    select st.id
    from drip.sequence_steps st
    join drip.sequences s on s.id = st.sequence_id
    where s.exit_if is not null or st.only_if is not null);
  if v_steps = '{}' then
    return;
  end if;
  return query
    select
      q.user_id,
      exists (
        select
        from drip.guards g
        where g.user_id = q.user_id and coalesce(g.suspended_until, v_now) <= v_now)
    from (
      select distinct p.user_id
      from drip.device_pacing p
      where p.next_look_at <= v_now
        and p.next_send_at <= v_now
        and exists (
          select
          from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
          cross join lateral (
            select m.sequence_stepid
            from drip.broadcast_messages m
            where m.device_id = p.device_id and m.status = 'pending'
              and m.priority = class.priority and m.due_at <= v_now
            order by m.due_at, m.id
            limit c_heads
          ) h
          where h.sequence_stepid = any (v_steps))
    ) q
    order by q.user_id;
end
$$;
comment on function drip.list_guarded_users() is
  'The tenants with a guarded message next on a device, and whether guards of their own may be asked
   now.';
grant execute on function drip.list_guarded_users() to drip_worker;
