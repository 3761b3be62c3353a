-- What becomes of a message follows from the outcome, the meaning of its code on that platform, the
-- number of failures, and its device's policy on unknown outcomes. An error of the device, the
-- account or the program is not the message's fault.
create function drip._decide_fates(p_results jsonb, p_is_receipt boolean)
returns table (
  message_id bigint, provider_message_id text, error_code text, error_message text,
  device_id bigint, outcome_before text, claimed_at timestamptz, finished_at timestamptz,
  account_id bigint, lead_id bigint, user_id bigint,
  recipient_phone text, sequence_id bigint, campaign_id bigint, status_before text,
  is_late boolean, is_of_today boolean, scope text, action text, suppress_after integer,
  suppress_gap interval,
  auto_resume boolean, check_ends_stop boolean, meaning text, is_own boolean,
  is_overtaken boolean, fate text, message_wait interval, device_wait interval)
language plpgsql volatile rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
begin
  return query
    with decided as (
      select distinct on (g.message_id)
        g.message_id, g.attempt, g.outcome, g.provider_message_id, g.error_code, g.error_message,
        g.device_id, g.outcome_before, g.claimed_at, g.finished_at, d.account_id, d.unknown_policy,
        m.failures, m.lead_id,
        coalesce(x.max_failures, m.max_failures) as max_failures,
        m.user_id, m.recipient_phone, m.sequence_contact_id, m.sequence_id, m.campaign_id,
        m.status as status_before,
        -- the late outcome of an unknown attempt, which was counted when it became unknown
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
        x.suppress_gap,
        coalesce(x.auto_resume, false) as auto_resume,
        coalesce(x.check_ends_stop, true) as check_ends_stop,
        coalesce(x.meaning, g.error_message, g.error_code, 'the sender gave no reason') as meaning
      from drip._close_attempts(p_results, p_is_receipt) g
      join drip.broadcast_messages m on m.id = g.message_id
      left join drip.user_devices d on d.id = g.device_id
      left join drip.error_codes x on x.platform = d.platform and x.code = g.error_code
      where (m.status in ('processing', 'unknown') and m.attempts = g.attempt)
        -- the contact has received it, whatever became of the message meanwhile
        or (g.outcome = 'accepted' and m.status not in ('processing', 'sent'))
        or (p_is_receipt and g.outcome = 'permanent' and m.status = 'sent'
            and m.attempts = g.attempt and m.delivered_at is null and m.read_at is null)
      order by g.message_id, (g.outcome = 'accepted') desc, g.attempt desc
    )
    select
      d.message_id, d.provider_message_id, d.error_code, d.error_message,
      d.device_id, d.outcome_before, d.claimed_at, d.finished_at, d.account_id, d.lead_id,
      d.user_id, d.recipient_phone, d.sequence_id, d.campaign_id, d.status_before, d.is_late,
      d.is_of_today, d.scope, d.action, d.suppress_after, d.suppress_gap, d.auto_resume,
      d.check_ends_stop, d.meaning, d.is_own, d.is_overtaken,
      case
        when d.action = 'sent' then 'sent'
        when d.action = 'unknown' then case
          -- the policy is for messages without an answer; this one had one
          when d.unknown_policy = 'retry' and d.failures + 1 < d.max_failures
            and not d.is_overtaken and d.error_code is distinct from 'RESULT_REFUSED' then 'pending'
          else 'unknown'
        end
        when d.action in ('fail', 'opt_out') then 'failed'
        -- a retry must not overtake messages that have passed it
        when d.is_overtaken then 'failed'
        when d.is_own and d.failures + 1 >= d.max_failures then 'failed'
        when d.scope = 'program' and num_nonnulls(d.campaign_id, d.sequence_id) = 0 then 'failed'
        else 'pending'
      end as fate,
      case
        when d.is_own or d.action = 'unknown'
          -- up to a fifth longer, so that messages that failed together are not retried together
          then coalesce(d.wait, interval '30 seconds' * power(4, least(d.failures, 5)))
            * case
              when d.is_told_when then 1
              else 1 + 0.2 * drip._seeded_fraction(d.message_id, d.attempt)
            end
        else interval '0'
      end as message_wait,
      -- a device that needs a person has a status for it; a pause would outlast the repair
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
    ) d;
end
$$;
comment on function drip._decide_fates(jsonb, boolean) is
  'Closes the attempts and decides for each message concerned: sent, unknown, failed or pending
   again, why, and how long it and its device wait.';
