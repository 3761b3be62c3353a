-- A message with an expired lease is unknown, never pending: the worker may have handed it over
-- before it died. Only the device's policy allows sending it again.
create function drip.expire_leases(p_limit integer default 1000)
returns table (expired bigint, remaining bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  begin
    return query select r.* from drip._expire_leases(p_limit, null) r;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    return query
      select coalesce(sum((a.line ->> 'expired')::bigint), 0)::bigint, 0::bigint
      from drip._run_apart('expire_leases', p_limit) a (line);
  end;
end
$$;
comment on function drip.expire_leases(integer) is
  'Turns messages with expired leases into unknown ones, or into retries by the device''s policy.';
grant execute on function drip.expire_leases(integer) to drip_worker;

-- The inner form of expire_leases: with a tenant it serves only that one.
create function drip._expire_leases(p_limit integer, p_user_id bigint)
returns table (expired bigint, remaining bigint)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_expired bigint;
  v_enrollments bigint[];
  v_unknown bigint[];
  v_again bigint[];
  v_pacing jsonb;
begin
  perform drip._require_role('drip_worker');
  with expired as (
    select m.id
    from drip.broadcast_messages m
    where m.status = 'processing' and m.lease_expires_at <= v_now
      and (p_user_id is null or m.user_id = p_user_id)
    order by m.id
    limit greatest(p_limit, 0)
    for no key update skip locked
  ),
  moved as (
    update drip.broadcast_messages m
    set status = case when r.again then 'pending' else 'unknown' end,
      status_reason = case when r.again then 'will_retry' else 'lease_expired' end,
      failures = m.failures + r.again::integer,
      not_before = case when r.again then v_now + interval '30 seconds' end,
      deferred_reason = case when r.again then 'not_due' end,
      lease_expires_at = null,
      error_code = 'LEASE_EXPIRED',
      error_message = 'the worker was lost while the message was with the sender',
      finished_at = case when not r.again then v_now end,
      hold_ended_at = null
    from expired l
    join drip.broadcast_messages n on n.id = l.id
    join drip.user_devices d on d.id = n.device_id
    cross join lateral (
      select d.unknown_policy = 'retry' and n.failures + 1 < n.max_failures
        -- accepted, and the record of it refused
        and not exists (
          select
          from drip.message_attempts o
          where o.message_id = n.id and o.attempt = n.attempts and o.error_code = 'RESULT_REFUSED')
        as again
    ) r
    where m.id = l.id
    returning m.id, m.attempts, m.device_id, m.lead_id, m.sequence_contact_id, m.status,
      d.account_id
  ),
  -- it may have arrived, so it counts as having reached its contact
  reached as (
    insert into drip.account_reach as r (account_id, lead_id, last_sent_at)
    select distinct x.account_id, x.lead_id, v_now
    from moved x
    join drip.sender_accounts a on a.id = x.account_id
    where a.reach_cap is not null
    order by x.account_id, x.lead_id
    on conflict (account_id, lead_id) do update set last_sent_at = excluded.last_sent_at
  ),
  closed as (
    update drip.message_attempts a
    set finished_at = v_now, outcome = 'lease_expired', error_code = 'LEASE_EXPIRED'
    from moved x
    where a.message_id = x.id and a.attempt = x.attempts and a.finished_at is null
  )
  select
    count(*),
    array_agg(distinct x.sequence_contact_id) filter (where x.sequence_contact_id is not null),
    array_agg(x.id) filter (where x.status = 'unknown'),
    array_agg(x.id) filter (where x.status = 'pending'),
    -- it may have been sent, so it counts for the day
    (select jsonb_agg(q.*) from (
      select
        y.device_id, 0 as results, 0 as failures, count(*) as sent, max(t.claimed_at) as sent_at
      from moved y
      left join drip.message_attempts t on t.message_id = y.id and t.attempt = y.attempts
      group by y.device_id) q)
  into v_expired, v_enrollments, v_unknown, v_again, v_pacing
  from moved x;

  if v_again is not null then
    perform drip._drop_ended(v_again);
  end if;
  if v_pacing is not null then
    perform drip._pace_results(v_pacing);
    perform drip._sync_enrollments(v_enrollments);
    perform drip._emit_messages('message.unknown', v_unknown);
  end if;
  return query
    select v_expired, (
      select count(*)
      from drip.broadcast_messages m
      where m.status = 'processing' and m.lease_expires_at <= v_now);
end
$$;
comment on function drip._expire_leases(integer, bigint) is
  'expire_leases, for all tenants or for one.';
