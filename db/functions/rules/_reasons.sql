-- All that is said about a reason, in one place. Those that the verdict gives come first, in its
-- order. sentence: for people. stops_device: it concerns every message of the device, so that the
-- claim leaves them as they are. lift: the facts as if this rule did not apply; they are also what
-- it goes by. remedy: the lines of the statement that helps, with {user}, {device}, {account},
-- {device_reason} and {account_reason} filled in; those that need more are in _remedy().
-- A constant, so that the planner computes it once.
create function drip._reasons() returns jsonb
language sql immutable parallel safe
begin atomic
  select '{
    "campaign_cancelled": {
      "sentence": "The campaign was cancelled.",
      "lift": {"campaign_status": "triggered"}},
    "enrollment_finished": {
      "sentence": "The journey has ended.",
      "lift": {"enrollment_status": "active"}},
    "suppressed": {"sentence": "The contact has opted out.", "lift": {"suppressed": false}},
    "sequence_paused": {
      "sentence": "The sequence is paused.",
      "lift": {"sequence_status": "active"}},
    "campaign_paused": {
      "sentence": "The campaign is paused.",
      "lift": {"campaign_status": "triggered"}},
    "enrollment_paused": {
      "sentence": "The journey is paused.",
      "lift": {"enrollment_status": "active"}},
    "lead_paused": {"sentence": "The contact is paused.", "lift": {"lead_paused_until": null}},
    "expired": {"sentence": "It expired before it could be sent.", "lift": {"expires_at": null}},
    "user_inactive": {
      "sentence": "The tenant is inactive.",
      "stops_device": true,
      "lift": {"user_active": true},
      "remedy": ["update drip.users set is_active = true where id = {user};"]},
    "predecessor_pending": {
      "sentence": "The previous step has not been sent.",
      "lift": {"predecessor_due_at": null}},
    "predecessor_unknown": {
      "sentence": "It is unknown whether the previous step arrived.",
      "lift": {"predecessor_hold_at": null},
      "remedy": [
        "-- a receipt or the end of unknown_hold settles it; to wait for neither:",
        "update drip.users set unknown_hold = interval ''0'' where id = {user};"]},
    "not_due": {
      "sentence": "It is not due yet.",
      "lift": {"scheduled_at": "-infinity", "predecessor_free_at": null, "not_before": null}},
    "no_device": {
      "sentence": "There is no device to send it.",
      "lift": {"live_device_id": 0},
      "remedy": [
        "select * from drip.upsert_device(''name'', ''gowa'', null, ''http://…'', ''instance'');"]},
    "account_blocked": {
      "sentence": "The account is blocked.",
      "stops_device": true,
      "lift": {"account_status": null, "account_blocked_until": null},
      "remedy": [
        "-- fix the account ({account_reason}), then:",
        "select * from drip.set_account_status(''{account}'', ''online'', ''fixed'');"]},
    "device_disabled": {
      "sentence": "The device was disabled by a person.",
      "stops_device": true,
      "lift": {"device_status": "online"},
      "remedy": [
        "select * from drip.set_device_status(''{device}'', ''online'', ''enabled again'');"]},
    "device_attention": {
      "sentence": "The device needs attention.",
      "stops_device": true,
      "lift": {"device_status": "online"},
      "remedy": [
        "-- log the device in at its gateway ({device_reason}), then:",
        "select * from drip.set_device_status(''{device}'', ''online'', ''fixed'');"]},
    "device_offline": {
      "sentence": "The device is offline.",
      "stops_device": true,
      "lift": {"device_status": "online"},
      "remedy": [
        "-- fix its gateway ({device_reason}); the next check ends this, or:",
        "select * from drip.set_device_status(''{device}'', ''online'', ''works again'');"]},
    "service_window_closed": {
      "sentence": "The contact has not written within 24 hours, so only a template may go.",
      "lift": {"service_window_closed": false},
      "remedy": ["-- make it a template, or wait until the contact writes"]},
    "weekend": {
      "sentence": "It is the weekend in the contact''s time zone.",
      "lift": {"window_is_weekend": false}},
    "outside_window": {
      "sentence": "It is outside the sending hours.",
      "lift": {"window_opens_at": null}},
    "contact_gap": {
      "sentence": "The contact got another message too recently.",
      "lift": {"gap_until": null},
      "remedy": [
        "-- a setting makes it wait; to let it go anyway:",
        "update drip.users set contact_gap = null where id = {user};"]},
    "contact_cap": {
      "sentence": "The contact has reached the contact cap for now.",
      "lift": {"cap_until": null},
      "remedy": [
        "-- a setting makes it wait; to let it go anyway:",
        "update drip.users set contact_cap = null where id = {user};"]},
    "account_cap": {
      "sentence": "The account has reached its cap of contacts in 24 hours.",
      "lift": {"account_cap_until": null},
      "remedy": [
        "-- a setting makes it wait; to let it send anyway:",
        "update drip.sender_accounts set reach_cap = null where id = {account};"]},
    "breaker_open": {
      "sentence": "Too many messages of the device failed, or its provider stopped it; it waits.",
      "stops_device": true,
      "lift": {"breaker_open_until": null}},
    "device_closed_hours": {
      "sentence": "It is outside the device''s active hours.",
      "stops_device": true,
      "lift": {"device_opens_at": null},
      "remedy": [
        "-- a setting makes it wait; to let it send anyway:",
        "update drip.user_devices set active_from = null, active_to = null where id = {device};"]},
    "ramp": {
      "sentence": "The device has reached today''s cap of its ramp.",
      "stops_device": true,
      "lift": {"ramp_cap": null},
      "remedy": [
        "-- a setting makes it wait; to let it send anyway:",
        "update drip.user_devices set ramp = null where id = {device};"]},
    "device_cap": {
      "sentence": "The device has reached its daily cap.",
      "stops_device": true,
      "lift": {"daily_cap": null},
      "remedy": [
        "-- a setting makes it wait; to let it send anyway:",
        "update drip.user_devices set daily_cap = null where id = {device};"]},
    "device_pacing": {
      "sentence": "The device is pausing between two messages.",
      "stops_device": true,
      "lift": {"next_send_at": null}},
    "guard_error": {
      "sentence": "A guard failed; it is asked again.",
      "lift": {"guard_until": null, "not_before": null}},
    "cancelled_by_operator": {"sentence": "An operator cancelled it."},
    "excluded": {"sentence": "The campaign excludes the contact."},
    "campaign_device_limit": {"sentence": "The campaign''s limit for the device was reached."},
    "guard_false": {"sentence": "The step''s guard said no."},
    "exit_if": {"sentence": "The sequence''s exit guard said yes, which ends the journey."},
    "no_answer": {"sentence": "The sender gave no clear answer; it may have arrived."},
    "lease_expired": {
      "sentence": "The worker was lost while it was sending; it may have arrived."},
    "max_failures": {"sentence": "All attempts failed."},
    "unrenderable": {"sentence": "It could not be judged or rendered; error_message says why."},
    "refused": {"sentence": "The sender refused it."},
    "opted_out": {"sentence": "The contact has opted out at the provider."},
    "will_retry": {"sentence": "It failed and will be tried again."},
    "undelivered": {"sentence": "The sender accepted it, and WhatsApp did not deliver it."},
    "program_error": {
      "sentence": "The program failed as a whole and was paused; the message waits."},
    "lead_replied": {"sentence": "The contact replied, which ends the journey."},
    "device_error": {"sentence": "The device failed; the message waits."},
    "exit_lead": {"sentence": "The contact was removed from the sequence."},
    "step_removed": {"sentence": "An edit of the sequence removed the step."},
    "sequence_archived": {"sentence": "The sequence was archived."},
    "erased": {"sentence": "The contact was erased."},
    "skipped_by_resume": {"sentence": "It was overdue when the program was resumed."},
    "no_lead": {"sentence": "The tenant has no contact with this phone."},
    "no_sequence": {"sentence": "No sequence has this trigger."},
    "no_trigger": {"sentence": "Its niche matches, but the contact has no trigger."},
    "sequence_not_started": {"sentence": "The sequence has not been started."},
    "enrolls_by_hand": {
      "sentence": "The sequence enrolls nobody by itself; an application enrolls."},
    "trigger_differs": {"sentence": "The contact does not have the trigger of the sequence."},
    "niche_differs": {"sentence": "The contact is not in the niche of the sequence."},
    "target_status_differs": {"sentence": "The sequence is for contacts of another status."},
    "older_than_start": {"sentence": "The contact is older than the start of the sequence."},
    "exclusive": {"sentence": "The contact is in another sequence of the same group."},
    "already_enrolled": {
      "sentence": "The contact is in the sequence, or has been through it."},
    "reenroll_later": {
      "sentence": "The contact has been through the sequence and may enter again later."},
    "enrollment_failed": {"sentence": "It matches, but enrolling it failed."},
    "waits_for_sweep": {"sentence": "It matches; the next sweep enrolls it."},
    "campaign_not_scheduled": {"sentence": "The campaign has not been scheduled."},
    "campaign_failed": {"sentence": "Planning the campaign failed."},
    "in_audience": {"sentence": "The contact is in the audience; its message will be planned."},
    "not_in_audience": {"sentence": "The contact is not in the audience."},
    "audience_unreadable": {"sentence": "The audience cannot be read."}
  }'::jsonb;
end;
comment on function drip._reasons() is
  'Each reason code with its sentence, what makes it silent, and what a person can do about it.';
-- Views call it with the rights of their readers; it reads no table.
grant execute on function drip._reasons() to drip_reader, drip_worker, drip_view;
