-- The words for the codes; views and explanations show them.
create function drip.reason_sentence(p_reason text) returns text
language sql immutable parallel safe
as $$
  select case p_reason
    when 'not_due' then 'Its time has not come.'
    when 'sequence_paused' then 'The sequence is paused.'
    when 'campaign_paused' then 'The campaign is paused.'
    when 'campaign_cancelled' then 'The campaign was cancelled.'
    when 'enrollment_paused' then 'The journey is paused.'
    when 'enrollment_finished' then 'The journey has ended.'
    when 'lead_paused' then 'The contact is paused.'
    when 'predecessor_pending' then 'The step before it has not been sent.'
    when 'predecessor_unknown' then 'Nobody knows whether the step before it arrived.'
    when 'suppressed' then 'The contact has opted out.'
    when 'outside_window' then 'It is outside the sending hours.'
    when 'weekend' then 'It is the weekend at the contact''s place.'
    when 'contact_gap' then 'The contact got another message too recently.'
    when 'contact_cap' then 'The contact has had the most messages allowed for now.'
    when 'service_window_closed' then
      'The contact has not written within 24 hours, so only a template may go.'
    when 'no_device' then 'No device is there to send it.'
    when 'device_offline' then 'The device is offline.'
    when 'device_attention' then 'The device needs attention.'
    when 'device_disabled' then 'The device was disabled by a person.'
    when 'device_pacing' then 'The device is pausing between two messages.'
    when 'device_cap' then 'The device has sent its most for today.'
    when 'ramp' then 'The device is warming up and has sent its most for today.'
    when 'device_closed_hours' then 'The device is outside its hours.'
    when 'account_cap' then 'The account has reached as many contacts as it may in 24 hours.'
    when 'account_blocked' then 'The account is blocked.'
    when 'breaker_open'
      then 'Too many messages of the device failed, or its provider stopped it; it rests.'
    when 'campaign_device_limit' then 'The campaign''s limit for the device was reached.'
    when 'guard_false' then 'The step''s guard said no.'
    when 'guard_error' then 'A guard failed; it is asked again.'
    when 'exit_if' then 'The sequence''s exit guard said yes, which ends the journey.'
    when 'expired' then 'Its time was over before it could be sent.'
    when 'user_inactive' then 'The tenant is switched off.'
    when 'no_answer' then 'The sender gave no clear answer; it may have arrived.'
    when 'lease_expired' then 'The worker was lost while it was sending; it may have arrived.'
    when 'max_failures' then 'It failed as often as it may.'
    when 'refused' then 'The sender refused it.'
    when 'opted_out' then 'The contact has opted out at the provider.'
    when 'will_retry' then 'It failed and will be tried again.'
    when 'undelivered' then 'The sender accepted it, and WhatsApp did not deliver it.'
    when 'program_error' then 'The program failed as a whole and was paused; the message waits.'
    when 'lead_replied' then 'The contact replied, which ends the journey.'
    when 'device_error' then 'The device failed; the message waits.'
    when 'exit_lead' then 'The contact was taken out of the sequence.'
    when 'step_removed' then 'An edit of the sequence took the step out of the journey.'
    when 'sequence_archived' then 'The sequence was archived.'
    when 'erased' then 'The contact was erased.'
    when 'skipped_by_resume' then 'It was overdue when the program was resumed.'
    else p_reason
  end
$$;
comment on function drip.reason_sentence(text) is 'The sentence for a reason''s code.';
grant execute on function drip.reason_sentence(text) to drip_reader, drip_worker, drip_view;
