-- The judge for facts given as a value: what would the verdict be if some fact were different? The
-- names are those of _message_evidence, in the order in which _message_facts passes them.
create function drip._judge_facts(p_facts jsonb)
returns table (verdict text, reason text, until timestamptz)
language sql stable
as $$
  select v.verdict, v.reason, v.until
  from jsonb_populate_record(null::drip._message_evidence, p_facts) f
  cross join lateral drip._verdict(
    p_now => f.now,
    p_scheduled_at => f.scheduled_at,
    p_not_before => f.not_before,
    p_expires_at => f.expires_at,
    p_user_active => f.user_active,
    p_campaign_status => f.campaign_status,
    p_sequence_status => f.sequence_status,
    p_enrollment_status => f.enrollment_status,
    p_lead_paused_until => f.lead_paused_until,
    p_suppressed => f.suppressed,
    p_predecessor_due_at => f.predecessor_due_at,
    p_predecessor_hold_at => f.predecessor_hold_at,
    p_predecessor_free_at => f.predecessor_free_at,
    p_device_id => f.live_device_id,
    p_device_status => f.device_status,
    p_account_status => f.account_status,
    p_account_blocked_until => f.account_blocked_until,
    p_account_cap_until => f.account_cap_until,
    p_service_window_closed => f.service_window_closed,
    p_breaker_until => f.breaker_open_until,
    p_window_opens_at => f.window_opens_at,
    p_window_is_weekend => f.window_is_weekend,
    p_gap_until => f.gap_until,
    p_cap_until => f.cap_until,
    p_device_opens_at => f.device_opens_at,
    p_next_day_at => f.next_day_at,
    p_used_today => f.used_today,
    p_daily_cap => f.daily_cap,
    p_ramp_cap => f.ramp_cap,
    p_next_send_at => f.next_send_at,
    p_guard_until => f.guard_until) v
$$;
comment on function drip._judge_facts(jsonb) is
  'The verdict for facts that are a row of _message_evidence, or changed from one.';
