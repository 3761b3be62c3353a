-- The inner form. Writes message, attempt and pacing; brings the journey up to date where its row
-- is free, else the next tick does. Receipts come through here too: a failure reported after the
-- sender had accepted, a proof that an unknown or failed one has arrived.
-- The planner settings keep the plans nested loops over indexes, whatever statistics say: the sets
-- are small, the tables large, and a plan cached while a table was empty must not scan it later.
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
  v_now constant timestamptz := drip.now();
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

  with given as (
    select distinct on (r.message_id, r.attempt)
      r.message_id, r.attempt,
      -- an id that no index takes names nothing: what became of the message is not known
      case when u.is_unusable and not p_is_receipt and r.outcome = 'accepted' then 'unknown'
        else r.outcome end as outcome,
      coalesce(r.scope, 'recipient') as scope,
      case when not u.is_unusable then r.provider_message_id end as provider_message_id,
      case when u.is_unusable and not p_is_receipt and r.outcome = 'accepted' then 'BAD_ANSWER'
        else left(r.error_code, 100) end as error_code,
      left(r.error_message, 500) as error_message,
      r.retry_after_seconds
    from jsonb_to_recordset(p_results) as r (
      message_id bigint, attempt integer, outcome text, scope text, provider_message_id text,
      error_code text, error_message text, retry_after_seconds numeric)
    cross join lateral (
      select coalesce(octet_length(r.provider_message_id) > 1024, false) as is_unusable
    ) u
    order by r.message_id, r.attempt, (r.outcome = 'accepted') desc
  ),
  closed as (
    update drip.message_attempts a
    set finished_at = coalesce(a.finished_at, v_now),
      outcome = g.outcome,
      error_code = g.error_code,
      error_message = g.error_message,
      provider_message_id = coalesce(g.provider_message_id, a.provider_message_id)
    from given g
    join drip.message_attempts o on o.message_id = g.message_id and o.attempt = g.attempt
    where a.message_id = g.message_id
      and a.attempt = g.attempt
      and (a.finished_at is null
           or (a.outcome in ('lease_expired', 'unknown') and g.outcome <> 'unknown')
           -- the provider's last word comes after the sender's answer
           or (p_is_receipt and a.outcome = 'accepted' and g.outcome = 'permanent')
           or (p_is_receipt and a.outcome in ('permanent', 'retry') and g.outcome = 'accepted'))
    returning a.device_id, o.outcome as outcome_before, a.claimed_at, a.finished_at, g.*
  ),
  decided as (
    select distinct on (g.message_id)
      g.message_id, g.attempt, g.outcome, g.provider_message_id, g.error_code, g.error_message,
      g.device_id, g.outcome_before, g.claimed_at, g.finished_at, d.account_id, d.unknown_policy,
      m.failures, m.lead_id,
      coalesce(x.max_failures, m.max_failures) as max_failures,
      m.user_id, m.recipient_phone, m.sequence_contact_id, m.sequence_id, m.campaign_id,
      m.status as status_before,
      -- an attempt that is settled late was booked when it became unknown
      m.status <> 'processing' as is_late,
      case when m.status <> 'processing' then (
        select (g.finished_at at time zone u.time_zone)::date
          = (v_now at time zone u.time_zone)::date
        from drip.users u
        where u.id = m.user_id)
      end as is_of_today,
      case
        when g.outcome in ('accepted', 'unknown') then g.scope else coalesce(x.scope, g.scope)
      end as scope,
      case
        when g.outcome = 'accepted' then 'sent'
        when g.outcome = 'unknown' then 'unknown'
        when x.action is not null then x.action
        when g.outcome = 'retry' then 'retry'
        when g.scope = 'recipient' then 'fail'
        else 'stop'
      end as action,
      coalesce(
        g.retry_after_seconds * interval '1 second',
        drip._exactly(x.wait) * power(coalesce(x.backoff, 1), least(m.failures, 10))) as wait,
      g.retry_after_seconds is not null as is_told_when,
      x.suppress_after,
      coalesce(x.auto_resume, false) as auto_resume,
      coalesce(x.check_ends_stop, true) as check_ends_stop,
      coalesce(x.meaning, g.error_message, g.error_code, 'the sender gave no reason') as meaning
    from closed g
    join drip.broadcast_messages m on m.id = g.message_id
    left join drip.user_devices d on d.id = g.device_id
    left join drip.error_codes x on x.platform = d.platform and x.code = g.error_code
    where (m.status in ('processing', 'unknown') and m.attempts = g.attempt)
      -- the contact has got it, whatever became of the message meanwhile
      or (g.outcome = 'accepted' and m.status not in ('processing', 'sent'))
      or (p_is_receipt and g.outcome = 'permanent' and m.status = 'sent'
          and m.attempts = g.attempt and m.delivered_at is null and m.read_at is null)
    order by g.message_id, (g.outcome = 'accepted') desc, g.attempt desc
  ),
  fated as (
    select
      d.*,
      case
        when d.action = 'sent' then 'sent'
        when d.action = 'unknown' then case
          when d.unknown_policy = 'retry' and d.failures + 1 < d.max_failures
            and not d.is_overtaken then 'pending'
          else 'unknown'
        end
        when d.action in ('fail', 'opt_out') then 'failed'
        -- what has passed it meanwhile must not be overtaken by a second try
        when d.is_overtaken then 'failed'
        when d.is_own and d.failures + 1 >= d.max_failures then 'failed'
        when d.scope = 'program' and num_nonnulls(d.campaign_id, d.sequence_id) = 0 then 'failed'
        else 'pending'
      end as fate,
      case
        when d.is_own or d.action = 'unknown'
          -- up to a fifth longer, so that what failed together does not come back together
          then coalesce(d.wait, interval '30 seconds' * power(4, least(d.failures, 5)))
            * case
              when d.is_told_when then 1
              else 1 + 0.2 * drip._seeded_fraction(d.message_id, d.attempt)
            end
        else interval '0'
      end as message_wait,
      -- one that waits for a person has its status; a pause on top would outlast the repair
      case
        when d.action = 'stop' and not d.auto_resume then coalesce(d.wait, interval '0')
        else coalesce(d.wait, interval '15 seconds')
      end as device_wait
    from (
      select
        q.*,
        -- an error of the device, the account or the program is not the message's fault
        q.scope = 'recipient' or (q.scope = 'program' and q.action <> 'stop') as is_own,
        q.is_late and q.action not in ('sent', 'fail', 'opt_out')
          and not drip._may_try_again(q.message_id) as is_overtaken
      from decided q
    ) d
  ),
  moved as (
    update drip.broadcast_messages m
    set status = f.fate,
      status_reason = case
        when f.fate = 'sent' then null
        when f.fate = 'unknown' then 'no_answer'
        when f.fate = 'failed' and f.action = 'opt_out' then 'opted_out'
        when f.fate = 'failed' and (f.status_before = 'sent' or f.is_overtaken)
          then 'undelivered'
        when f.fate = 'failed' and f.action = 'retry' then 'max_failures'
        when f.fate = 'failed' then 'refused'
        when f.is_own or f.action = 'unknown' then 'will_retry'
        when f.scope = 'program' then 'program_error'
        else 'device_error'
      end,
      failures = m.failures
        + (f.fate = 'failed' or (f.fate = 'pending' and f.is_own)
           or (f.fate = 'pending' and f.action = 'unknown'))::integer,
      not_before = case
        when f.fate = 'pending' and f.message_wait > interval '0' then v_now + f.message_wait end,
      deferred_reason = case
        when f.fate = 'pending' and f.message_wait > interval '0' then 'not_due' end,
      worker_id = case when f.fate = 'pending' then null else m.worker_id end,
      lease_expires_at = null,
      provider_message_id = coalesce(f.provider_message_id, m.provider_message_id),
      error_code = case when f.fate <> 'sent' then f.error_code end,
      error_message = case when f.fate <> 'sent' then f.error_message end,
      -- one that is settled late left when its attempt ended
      sent_at = case when f.fate = 'sent' then f.finished_at end,
      finished_at = case when f.fate <> 'pending' then v_now end,
      hold_ended_at = null
    from fated f
    where m.id = f.message_id
    returning m.id, m.status, m.sequence_contact_id
  ),
  -- what may have arrived has reached its contact, also where it is tried again
  reached as (
    insert into drip.account_reach as r (account_id, lead_id, last_sent_at)
    select f.account_id, f.lead_id, max(f.finished_at)
    from fated f
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
    from fated f
    where f.fate = 'failed'
      and (f.action = 'opt_out'
           or (f.suppress_after is not null
               and drip._failed_before(f.lead_id, f.message_id, f.error_code)
                 >= f.suppress_after - 1))
    order by f.user_id, f.recipient_phone, f.action <> 'opt_out'
  )
  select
    array_agg(m.id),
    array_agg(m.id) filter (where m.status = 'pending'),
    array_agg(distinct m.sequence_contact_id) filter (where m.sequence_contact_id is not null),
    (select jsonb_agg(q.*) from (
      select
        f.device_id,
        count(*) filter (where not f.is_late) as results,
        count(*) filter (
          where f.fate <> 'sent' and (not f.is_late or f.status_before = 'sent')) as failures,
        count(*) filter (where not f.is_late and f.action in ('sent', 'unknown'))
          -- what was booked on another day leaves no room in this one
          - count(*) filter (
            where f.is_late and f.action not in ('sent', 'unknown') and f.is_of_today)
          -- one that was not booked, or no longer, and has arrived all the same
          + count(*) filter (
            where f.is_late and f.action = 'sent'
              and f.outcome_before in ('permanent', 'retry')) as sent,
        max(f.claimed_at) filter (where f.action in ('sent', 'unknown')) as sent_at,
        max(f.device_wait) filter (
          where f.scope in ('device', 'account') and f.action in ('retry', 'stop')) as wait,
        -- what ends by itself is the breaker's; what a person must end is the device's status
        max(f.device_wait) filter (
          where f.scope = 'device' and f.action = 'stop' and f.auto_resume) as rest
      from fated f
      where f.device_id is not null
      group by f.device_id) q),
    (select jsonb_agg(q.*) from (
      select distinct on (f.device_id)
        f.device_id, f.account_id, f.scope, f.action, f.meaning, f.auto_resume,
        f.check_ends_stop, f.device_wait
      from fated f
      where f.scope in ('device', 'account') and f.action in ('stop', 'retry')
      order by f.device_id, f.action desc) q),
    (select jsonb_agg(q.*) from (
      select distinct f.campaign_id, f.sequence_id, f.meaning
      from fated f
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
      from fated f
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
    select
      r.message_id,
      m.status,
      coalesce(
        a.outcome = r.outcome and (m.attempts = r.attempt or m.id = any (v_moved)), false)
    from jsonb_to_recordset(p_results) as r (message_id bigint, attempt integer, outcome text)
    left join drip.broadcast_messages m on m.id = r.message_id
    left join drip.message_attempts a on a.message_id = r.message_id and a.attempt = r.attempt
    order by r.message_id;
end
$$;
comment on function drip._record_results(jsonb, boolean) is
  'record_results without its checks; p_is_receipt: the outcomes come from receipts.';

create function drip._failed_before(p_lead_id bigint, p_message_id bigint, p_error_code text)
returns bigint
language sql stable
as $$
  select count(*)
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
$$;
comment on function drip._failed_before(bigint, bigint, text) is
  'How many messages to the lead failed with this code since the last one that was sent.';

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
