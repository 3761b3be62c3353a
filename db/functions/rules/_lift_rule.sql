-- The one table of the facts behind each reason. Lifting the rule that stops a message reveals the
-- next one; explanations find all of its rules that way.
create function drip._lift_rule(p_facts jsonb, p_rule text) returns jsonb
language sql stable
as $$
  select p_facts || case p_rule
    when 'campaign_cancelled' then '{"campaign_status": "triggered"}'::jsonb
    when 'enrollment_finished' then jsonb_build_object(
      'enrollment_status', 'active',
      'sequence_status', nullif(f.sequence_status, 'archived'))
    when 'suppressed' then '{"suppressed": false}'
    when 'sequence_paused' then '{"sequence_status": "active"}'
    when 'campaign_paused' then '{"campaign_status": "triggered"}'
    when 'expired' then '{"expires_at": null}'
    when 'user_inactive' then '{"user_active": true}'
    when 'lead_paused' then '{"lead_paused_until": null}'
    when 'enrollment_paused' then '{"enrollment_status": "active"}'
    when 'predecessor_pending' then '{"predecessor_due_at": null}'
    when 'predecessor_unknown' then '{"predecessor_hold_at": null}'
    when 'not_due' then
      '{"scheduled_at": "-infinity", "predecessor_free_at": null, "not_before": null}'
    when 'no_device' then '{"live_device_id": 0}'
    when 'account_blocked' then '{"account_status": null, "account_blocked_until": null}'
    when 'device_disabled' then '{"device_status": "online"}'
    when 'device_attention' then '{"device_status": "online"}'
    when 'device_offline' then '{"device_status": "online"}'
    when 'service_window_closed' then '{"service_window_closed": false}'
    -- the time may be outside the hours as well
    when 'weekend' then jsonb_build_object(
      'window_is_weekend', false,
      'window_opens_at', drip._window_opens_at(
        f.now, f.zone, f.window_from, f.window_to, f.window_days, false))
    when 'outside_window' then '{"window_opens_at": null}'
    when 'contact_gap' then '{"gap_until": null}'
    when 'contact_cap' then '{"cap_until": null}'
    when 'account_cap' then '{"account_cap_until": null}'
    when 'breaker_open' then '{"breaker_open_until": null}'
    when 'device_closed_hours' then '{"device_opens_at": null}'
    when 'ramp' then '{"ramp_cap": null}'
    when 'device_cap' then '{"daily_cap": null}'
    when 'device_pacing' then '{"next_send_at": null}'
    when 'guard_error' then '{"guard_until": null, "not_before": null}'
  end
  from jsonb_populate_record(null::drip._message_evidence, p_facts) f
$$;
comment on function drip._lift_rule(jsonb, text) is
  'The facts as if this rule did not stop the message; null for an unknown rule.';
