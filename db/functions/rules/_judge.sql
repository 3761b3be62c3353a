-- Passes the facts to the judge by their names, for everybody who has a row of them. Inlined it
-- costs the plan nothing: the row is taken apart again.
create function drip._judge(f drip._message_evidence)
returns table (verdict text, reason text, until timestamptz)
language sql stable parallel safe
begin atomic
  select v.verdict, v.reason, v.until
  from drip._verdict(
    p_now => (f).now,
    p_scheduled_at => (f).scheduled_at,
    p_not_before => (f).not_before,
    p_expires_at => (f).expires_at,
    p_user_active => (f).user_active,
    p_campaign_status => (f).campaign_status,
    p_sequence_status => (f).sequence_status,
    p_enrollment_status => (f).enrollment_status,
    p_lead_paused_until => (f).lead_paused_until,
    p_suppressed => (f).suppressed,
    p_predecessor_due_at => (f).predecessor_due_at,
    p_predecessor_hold_at => (f).predecessor_hold_at,
    p_predecessor_free_at => (f).predecessor_free_at,
    p_device_id => (f).live_device_id,
    p_device_status => (f).device_status,
    p_account_status => (f).account_status,
    p_account_blocked_until => (f).account_blocked_until,
    p_account_cap_until => (f).account_cap_until,
    p_service_window_closed => (f).service_window_closed,
    p_breaker_until => (f).breaker_open_until,
    p_window_opens_at => (f).window_opens_at,
    p_window_is_weekend => (f).window_is_weekend,
    p_gap_until => (f).gap_until,
    p_cap_until => (f).cap_until,
    p_device_opens_at => (f).device_opens_at,
    p_next_day_at => (f).next_day_at,
    p_used_today => (f).used_today,
    p_daily_cap => (f).daily_cap,
    p_ramp_cap => (f).ramp_cap,
    p_next_send_at => (f).next_send_at,
    p_guard_until => (f).guard_until) v;
end;
comment on function drip._judge(drip._message_evidence) is
  'The verdict on the facts of a message.';
-- Views call it with the rights of their readers; it reads no table.
grant execute on function drip._judge(drip._message_evidence) to drip_reader, drip_view;
