-- The one judge once more, over facts as a value: what would it say if this or that were otherwise?
-- The names are those of _message_evidence, in the order in which _message_facts passes them.
create function drip._judge_facts(p_facts jsonb)
returns table (verdict text, reason text, until timestamptz)
language sql stable
as $$
  select v.verdict, v.reason, v.until
  from jsonb_populate_record(null::drip._message_evidence, p_facts) f
  cross join lateral drip._verdict(
    f.now, f.scheduled_at, f.not_before, f.expires_at, f.user_active, f.campaign_status,
    f.sequence_status, f.enrollment_status, f.lead_paused_until, f.suppressed,
    f.predecessor_due_at, f.predecessor_hold_at, f.predecessor_free_at, f.live_device_id,
    f.device_status, f.account_status, f.account_blocked_until, f.account_cap_until,
    f.service_window_closed, f.breaker_open_until, f.window_opens_at, f.window_is_weekend,
    f.gap_until, f.cap_until, f.device_opens_at, f.next_day_at, f.used_today, f.daily_cap,
    f.ramp_cap, f.next_send_at, f.guard_until
  ) v
$$;
comment on function drip._judge_facts(jsonb) is
  'The verdict over facts that are a row of _message_evidence, or were changed from one.';
