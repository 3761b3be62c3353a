-- The only place that counts failures: errors of a device, an account or a program do not use up a
-- message's attempts.
create function drip._move_messages(p_results jsonb, p_is_receipt boolean)
returns table (
  message_id bigint, enrollment_id bigint, device_id bigint, outcome_before text,
  claimed_at timestamptz, finished_at timestamptz, account_id bigint, lead_id bigint,
  user_id bigint, recipient_phone text, sequence_id bigint, campaign_id bigint,
  status_before text, is_late boolean, is_of_today boolean, scope text, action text,
  suppress_after integer, suppress_gap interval, auto_resume boolean, check_ends_stop boolean,
  meaning text, error_code text, fate text, device_wait interval)
language plpgsql volatile rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
begin
  return query
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
      -- a message settled late was sent when its attempt ended
      sent_at = case when f.fate = 'sent' then f.finished_at end,
      finished_at = case when f.fate <> 'pending' then v_now end,
      hold_ended_at = null
    from drip._decide_fates(p_results, p_is_receipt) f
    where m.id = f.message_id
    returning
      m.id, m.sequence_contact_id,
      f.device_id, f.outcome_before, f.claimed_at, f.finished_at, f.account_id, f.lead_id,
      f.user_id, f.recipient_phone, f.sequence_id, f.campaign_id, f.status_before,
      f.is_late, f.is_of_today, f.scope, f.action, f.suppress_after, f.suppress_gap, f.auto_resume,
      f.check_ends_stop, f.meaning, f.error_code, f.fate, f.device_wait;
end
$$;
comment on function drip._move_messages(jsonb, boolean) is
  'Closes the attempts, decides and writes the status of each message concerned; one row each, with
   its new status as fate.';
