-- The inner form of record_results. Writes message, attempt and pacing; updates the journey unless
-- its row is locked, in which case the next tick does. Receipts come through here too: a failure
-- after the sender's acceptance, a proof that an unknown or failed message has arrived. The planner
-- settings make sure of nested loops over indexes, whatever statistics say: the sets are small, the
-- tables large, and a plan cached while a table was empty must not scan it later.
create function drip._record_results(p_results jsonb, p_is_receipt boolean)
returns table (message_id bigint, status text, applied boolean)
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
  v_ids bigint[];
  v_moved bigint[];
  v_again bigint[];
  v_enrollments bigint[];
  v_pacing jsonb;
  v_devices jsonb;
  v_programs jsonb;
  v_counts jsonb;
  v_suppressed jsonb;
begin
  v_ids := array(
    select distinct (e.value ->> 'message_id')::bigint from jsonb_array_elements(p_results) e);
  perform
  from drip.broadcast_messages m
  where m.id = any (v_ids)
  order by m.id
  for no key update;

  with moved as materialized (
    select f.* from drip._move_messages(p_results, p_is_receipt) f
  ),
  -- an unknown message may have reached its contact, even if it is tried again
  reached as (
    insert into drip.account_reach as r (account_id, lead_id, last_sent_at)
    select f.account_id, f.lead_id, max(f.finished_at)
    from moved f
    join drip.sender_accounts sa on sa.id = f.account_id
    where f.action in ('sent', 'unknown') and sa.reach_cap is not null
    group by f.account_id, f.lead_id
    order by f.account_id, f.lead_id
    on conflict (account_id, lead_id) do update
    set last_sent_at = greatest(r.last_sent_at, excluded.last_sent_at)
  ),
  written_off as (
    select distinct on (f.user_id, f.recipient_phone)
      f.user_id, f.recipient_phone as phone, f.meaning as reason,
      case when f.action = 'opt_out' then 'marketing' else 'all' end as category
    from moved f
    where f.fate = 'failed'
      and (f.action = 'opt_out'
           or (f.suppress_after is not null
               and drip._failed_before(f.lead_id, f.message_id, f.error_code, f.suppress_gap)
                 >= f.suppress_after - 1))
    order by f.user_id, f.recipient_phone, f.action <> 'opt_out'
  )
  select
    array_agg(m.message_id),
    array_agg(m.message_id) filter (where m.fate = 'pending'),
    array_agg(distinct m.enrollment_id) filter (where m.enrollment_id is not null),
    (select jsonb_agg(q.*) from (
      select
        f.device_id,
        count(*) filter (where not f.is_late) as results,
        count(*) filter (
          where f.fate <> 'sent' and (not f.is_late or f.status_before = 'sent')) as failures,
        count(*) filter (where not f.is_late and f.action in ('sent', 'unknown'))
          -- sends counted on another day free no capacity of today
          - count(*) filter (
            where f.is_late and f.action not in ('sent', 'unknown') and f.is_of_today)
          -- not counted, or no longer, but arrived after all
          + count(*) filter (
            where f.is_late and f.action = 'sent'
              and f.outcome_before in ('permanent', 'retry')) as sent,
        max(f.claimed_at) filter (where f.action in ('sent', 'unknown')) as sent_at,
        max(f.device_wait) filter (
          where f.scope in ('device', 'account') and f.action in ('retry', 'stop')) as wait,
        -- a stop that ends by itself opens the breaker; one for a person sets the device's status
        max(f.device_wait) filter (
          where f.scope = 'device' and f.action = 'stop' and f.auto_resume) as rest
      from moved f
      where f.device_id is not null
      group by f.device_id) q),
    (select jsonb_agg(q.*) from (
      select distinct on (f.device_id)
        f.device_id, f.account_id, f.scope, f.action, f.meaning, f.auto_resume,
        f.check_ends_stop, f.device_wait
      from moved f
      where f.scope in ('device', 'account') and f.action in ('stop', 'retry')
      order by f.device_id, f.action desc) q),
    (select jsonb_agg(q.*) from (
      select distinct f.campaign_id, f.sequence_id, f.meaning
      from moved f
      where f.scope = 'program' and f.action = 'stop' and f.fate = 'pending') q),
    (select jsonb_agg(q.*) from (
      select
        f.user_id,
        f.campaign_id,
        f.sequence_id,
        count(*) filter (
          where f.fate in ('sent', 'failed') and f.status_before not in ('sent', 'failed'))
          as results,
        count(*) filter (where f.fate = 'failed' and f.scope = 'recipient')
          - count(*) filter (where f.fate = 'sent' and f.status_before = 'failed') as failures
      from moved f
      where (f.fate = 'failed' or (f.fate = 'sent' and f.status_before <> 'sent'))
        and num_nonnulls(f.campaign_id, f.sequence_id) = 1
      group by f.user_id, f.campaign_id, f.sequence_id) q),
    (select jsonb_agg(w.*) from written_off w)
  into v_moved, v_again, v_enrollments, v_pacing, v_devices, v_programs, v_counts, v_suppressed
  from moved m;

  if v_again is not null then
    perform drip._drop_ended(v_again);
  end if;
  if v_pacing is not null then
    perform drip._pace_results(v_pacing);
  end if;
  if v_devices is not null then
    perform drip._stop_devices(v_devices);
  end if;
  if v_programs is not null then
    perform drip._stop_programs(v_programs);
  end if;
  if v_counts is not null then
    perform drip._count_results(v_counts);
  end if;
  if v_suppressed is not null then
    perform drip._suppress(v_suppressed, 'provider');
  end if;
  if v_enrollments is not null then
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  end if;
  if exists (select from drip.subscriptions) then
    perform drip._emit_outcomes(v_moved);
  end if;
  if not p_is_receipt and exists (select from drip.receipts) then
    perform drip._match_receipts(v_moved);
  end if;

  return query
    select a.message_id, a.status, a.applied from drip._results_applied(p_results, v_moved) a;
end
$$;
comment on function drip._record_results(jsonb, boolean) is
  'record_results without its checks; p_is_receipt: the outcomes come from receipts.';

create function drip._results_applied(p_results jsonb, p_moved bigint[])
returns table (message_id bigint, status text, applied boolean)
language sql stable
as $$
  select
    r.message_id,
    m.status,
    coalesce(
      a.outcome = r.outcome and (m.attempts = r.attempt or m.id = any (p_moved)), false)
  from jsonb_to_recordset(p_results) as r (message_id bigint, attempt integer, outcome text)
  left join drip.broadcast_messages m on m.id = r.message_id
  left join drip.message_attempts a on a.message_id = r.message_id and a.attempt = r.attempt
  order by r.message_id
$$;
comment on function drip._results_applied(jsonb, bigint[]) is
  'For each result: the message''s present status, and whether its attempt has this outcome.
   p_moved: the messages whose status these results have changed.';

create function drip._failed_before(
  p_lead_id bigint, p_message_id bigint, p_error_code text, p_gap interval)
returns bigint
language sql stable
as $$
  with recursive failed as (
    select m.finished_at
    from drip.broadcast_messages m
    where m.lead_id = p_lead_id
      and m.id <> p_message_id
      and m.status = 'failed'
      and m.error_code = p_error_code
      and not exists (
        select
        from drip.broadcast_messages o
        where o.lead_id = p_lead_id
          and o.id <> p_message_id
          and o.status = 'sent'
          and o.finished_at > m.finished_at)
  ),
  -- from now back: the last failure that is far enough from the one counted before
  apart as (
    select drip.now() as at
    where p_gap is not null
    union all
    select (select max(f.finished_at) from failed f where f.finished_at <= a.at - p_gap)
    from apart a
    where a.at is not null
  )
  select case
    when p_gap is null then (select count(*) from failed f)
    else (select count(a.at) - 1 from apart a)
  end
$$;
comment on function drip._failed_before(bigint, bigint, text, interval) is
  'How many messages to the lead failed with this code since the last one that was sent; with a
   gap, how many at least so far apart, and from now.';

create function drip._emit_outcomes(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._emit_messages('message.' || q.status, q.ids)
  from (
    select m.status, array_agg(m.id order by m.id) as ids
    from drip.broadcast_messages m
    where m.id = any (p_ids)
      and m.status in ('sent', 'failed', 'unknown')
      and exists (select from drip.subscriptions s)
    group by m.status
  ) q;
end
$$;
comment on function drip._emit_outcomes(bigint[]) is
  'Emits message.sent, message.failed or message.unknown for each of these messages.';
