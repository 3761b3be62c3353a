-- Constraints are defined once, on the tables; verbs translate a violation into an error for
-- people.
create function drip._constraint_error(p_constraint text, p_detail text default null)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_meaning record;
begin
  select m.*
  into v_meaning
  from drip._constraint_meanings() m
  where m.name = p_constraint;
  if not found then
    perform drip._fail(
      'DR004', pg_catalog.format('a value breaks the rule %s', p_constraint),
      e'Look at the comment of the column: \\d+ in psql.');
  end if;
  perform drip._fail(
    v_meaning.code, v_meaning.sentence, v_meaning.hint,
    -- "Failing row contains …" would print the whole row, phone and all.
    case when p_detail like 'Key %' then p_detail end);
end
$$;
comment on function drip._constraint_error(text, text) is
  'Raises the error that a violated constraint means to a person: code, sentence and hint.';

create function drip._constraint_meanings()
returns table (name text, code text, sentence text, hint text)
language sql stable parallel safe
as $$
  select m.name, m.code, m.sentence, m.hint from drip._account_meanings() m
  union all
  select m.name, m.code, m.sentence, m.hint from drip._journey_meanings() m
  union all
  select m.name, m.code, m.sentence, m.hint from drip._message_meanings() m
$$;
comment on function drip._constraint_meanings() is
  'What each constraint means to a person: our error code, a sentence and a hint.';

create function drip._account_meanings()
returns table (name text, code text, sentence text, hint text)
language sql immutable parallel safe
as $$
  values
    ('users_name_unique', 'DR013', 'another tenant has that name', 'Choose another name.'),
    ('users_name_form', 'DR004', 'a tenant''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('users_region_form', 'DR004', 'default_region is not a region',
      'Use two capital letters, such as MY.'),
    ('users_window_pair', 'DR004', 'send_from and send_to belong together',
      'Set both, or neither.'),
    ('users_window_open', 'DR004', 'send_from and send_to are the same time',
      'Leave both out to send at all hours.'),
    ('users_days_iso', 'DR004', 'send_days must be days of the week',
      'Use numbers from 1 (Monday) to 7 (Sunday), at least one.'),
    ('users_auto_reply_positive', 'DR004',
      'auto_reply_seconds is not between 1 and 600, or auto_reply_length not between 1 and 1000',
      'Use null for auto_reply_seconds to take no text for an automatic answer.'),
    ('users_cap_positive', 'DR004', 'contact_cap is not above zero',
      'Use null for no cap.'),
    ('users_cap_period_positive', 'DR004', 'contact_cap_period is not above zero',
      'Write an interval, such as 7 days.'),
    ('users_gap_positive', 'DR004', 'contact_gap is not above zero', 'Use null for none.'),
    ('users_hold_not_negative', 'DR004', 'unknown_hold is below zero',
      'Write an interval, such as 24 hours.'),
    ('users_breaker_rate_share', 'DR004', 'breaker_rate must be above 0 and at most 1',
      'Half of the results is 0.5.'),
    ('users_breaker_sample_floor', 'DR004', 'breaker_sample is below 5',
      'Fewer results than 5 say too little about a device.'),

    ('sender_accounts_name_unique', 'DR013', 'another sender account has that name',
      'Choose another name.'),
    ('sender_accounts_name_form', 'DR004',
      'an account''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('sender_accounts_platform_known', 'DR004', 'the platform is unknown',
      'Use gowa, cloud_api, waha, evolution, wablas or whacenter.'),
    ('sender_accounts_status_known', 'DR004', 'the status is unknown',
      'Use online, offline, needs_attention or disabled.'),
    ('sender_accounts_reach_positive', 'DR004', 'reach_cap is not above zero',
      'Use null for no cap.'),

    ('user_devices_name_unique', 'DR013', 'another device has that name',
      'Choose another name.'),
    ('user_devices_name_form', 'DR004',
      'a device''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('user_devices_account_tenant', 'DR016', 'the account belongs to another tenant',
      'A device and its account belong to the same tenant.'),
    ('user_devices_phone_e164', 'DR002', 'the device''s phone is not in the form +60123456789',
      'Write + and the country code.'),
    ('user_devices_platform_known', 'DR004', 'the platform is unknown',
      'Use gowa, cloud_api, waha, evolution, wablas or whacenter.'),
    ('user_devices_endpoint_http', 'DR004', 'the endpoint is not a URL',
      'Write it as http://… or https://…, without spaces.'),
    ('user_devices_status_known', 'DR004', 'the status is unknown',
      'Use online, offline, needs_attention or disabled.'),
    ('user_devices_delay_order', 'DR014', 'the delays of the device are out of order',
      'min_delay_seconds must be at least 0, and at most max_delay_seconds; that at most 86400.'),
    ('user_devices_burst_positive', 'DR004', 'burst is not between 1 and 1000',
      '1 sends one message at a time.'),
    ('user_devices_cap_positive', 'DR004', 'daily_cap is not above zero', 'Use null for no cap.'),
    ('user_devices_ramp_positive', 'DR004', 'every number of the ramp must be above zero',
      'Write the most sends on day 1, 2, …, such as [20, 40, 80].'),
    ('user_devices_ramp_start', 'DR004', 'a ramp needs the date of its first day',
      'Set ramp_started_on as well.'),
    ('user_devices_hours_pair', 'DR004', 'active_from and active_to belong together',
      'Set both, or neither.'),
    ('user_devices_hours_open', 'DR004', 'active_from and active_to are the same time',
      'Leave both out to send at all hours.'),
    ('user_devices_unknown_known', 'DR004', 'there is no such unknown_policy',
      'Use hold or retry.'),
    ('user_devices_failover_known', 'DR004', 'there is no such failover_policy',
      'Use wait, failover or rebind.')
$$;
comment on function drip._account_meanings() is
  'The constraints of tenants, accounts and devices, as _constraint_meanings() has them.';

create function drip._journey_meanings()
returns table (name text, code text, sentence text, hint text)
language sql stable parallel safe
as $$
  values
    ('leads_phone_unique', 'DR013', 'another lead has that phone',
      'A tenant has one lead per phone.'),
    ('leads_external_unique', 'DR013', 'another lead has that external_id',
      'An external_id names one lead of a tenant.'),
    ('leads_device_tenant', 'DR016', 'the device belongs to another tenant',
      'A lead and its device belong to the same tenant.'),
    ('leads_phone_e164', 'DR002', 'the phone is not in the form +60123456789',
      'Write + and the country code.'),
    ('leads_target_known', 'DR015', 'the target status is unknown',
      'A lead is a prospect or a customer.'),
    ('leads_attributes_object', 'DR004', 'attributes are not a JSON object',
      'Write {"city": "Ipoh"}.'),
    ('leads_chained_object', 'DR004', 'chained is not a JSON object',
      'pgdrip maintains it; leave it as it is.'),
    ('suppressions_phone_e164', 'DR002', 'the phone is not in the form +60123456789',
      'Write + and the country code.'),
    ('suppressions_category_known', 'DR004', 'the category is unknown',
      format('Use %s.', drip._any_of(drip._stop_categories()))),

    ('sequences_name_unique', 'DR013', 'another sequence has that name',
      'Choose another name, or change that one with update_sequence.'),
    ('sequences_name_form', 'DR004',
      'a sequence''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('sequences_device_tenant', 'DR016', 'the device belongs to another tenant',
      'A sequence and its device belong to the same tenant.'),
    ('sequences_trigger_token', 'DR004', 'the trigger of a sequence must be a single token',
      'Leave the comma out; leads may have several triggers, a sequence has one.'),
    ('sequences_target_known', 'DR015', 'the target status is unknown',
      'Use prospect, customer or all.'),
    ('sequences_auto_enroll_known', 'DR004', 'there is no such auto_enroll',
      'Use trigger, niche or manual.'),
    ('sequences_status_known', 'DR004', 'the status is unknown',
      'Use draft, active, paused or archived.'),
    ('sequences_start_delay_not_negative', 'DR004', 'start_delay is below zero',
      'Write an interval, such as 5 minutes.'),
    ('sequences_window_pair', 'DR004', 'send_from and send_to belong together',
      'Set both, or neither.'),
    ('sequences_window_open', 'DR004', 'send_from and send_to are the same time',
      'Leave both out to send at all hours.'),
    ('sequences_days_iso', 'DR004', 'send_days must be days of the week',
      'Use numbers from 1 (Monday) to 7 (Sunday), at least one.'),
    ('sequences_days_left', 'DR004', 'skip_weekends leaves none of the send_days',
      'Name a day from Monday to Friday, or set skip_weekends to false.'),
    ('sequences_delay_order', 'DR014', 'the delays of the sequence are out of order',
      'min_delay_seconds must be at least 0, and at most max_delay_seconds.'),
    ('sequences_category_known', 'DR004', 'the category is unknown',
      'Use marketing or utility.'),
    ('sequences_failure_known', 'DR004', 'there is no such on_step_failure',
      'Use continue or stop.'),
    ('sequences_reenroll_positive', 'DR004', 'reenroll_after is below zero',
      'Use null for never.'),
    ('sequences_priority_known', 'DR004', 'priority is not 1, 2 or 3',
      '1 goes first; drip steps have 2, campaigns 3.'),
    ('sequences_niche_named', 'DR006', 'enrollment by niche needs a niche',
      'Set niche, or another auto_enroll.'),
    ('sequences_niche_token', 'DR004', 'the niche of a sequence must be a single token',
      'Leave the comma out; leads may have several niches, a sequence has one.'),
    ('sequences_exit_if_fkey', 'DR012', 'exit_if names a guard that is not registered',
      'Leave it out, or name one of drip.guards.'),

    ('sequence_steps_position_unique', 'DR004', 'two steps have the same day_number',
      'The steps of a sequence are numbered 1, 2, 3, ….'),
    ('sequence_steps_name_unique', 'DR013', 'two steps of the sequence have the same name',
      'A step''s name is unique in its sequence.'),
    ('sequence_steps_sequence_tenant', 'DR016', 'the sequence belongs to another tenant',
      'A step and its sequence belong to the same tenant.'),
    ('sequence_steps_position_positive', 'DR004', 'day_number is below 1',
      'The first step has day_number 1.'),
    ('sequence_steps_name_form', 'DR004',
      'a step''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('sequence_steps_trigger_token', 'DR004', 'the trigger of a step must be a single token',
      'Leave the comma out.'),
    ('sequence_steps_next_token', 'DR004', 'next_trigger must be a single token',
      'Leave the comma out.'),
    ('sequence_steps_delay_not_negative', 'DR004',
      'trigger_delay_hours is below 0 or above 87600',
      'Write hours since the step before; fractions are allowed.'),
    ('sequence_steps_type_known', 'DR004', 'the message type is unknown',
      format('Use %s.', drip._any_of(drip._message_types()))),
    ('sequence_steps_text_content', 'DR008', 'a text needs content, and takes no media_url',
      'Give content, or set message_type to the type of the media.'),
    ('sequence_steps_media_url', 'DR008', 'media needs a media_url',
      'Write it as http://… or https://…, without spaces.'),
    ('sequence_steps_template_given', 'DR008', 'a template message needs a template',
      'Give template, or another message_type.'),
    ('sequence_steps_delay_order', 'DR014', 'the delays of the step are out of order',
      'min_delay_seconds must be at least 0, and at most max_delay_seconds.'),
    ('sequence_steps_valid_positive', 'DR004', 'valid_for is not above zero',
      'Write an interval, such as 12 hours; null = for ever.'),
    ('sequence_steps_only_if_fkey', 'DR012', 'only_if names a guard that is not registered',
      'Leave it out, or name one of drip.guards.')
$$;
comment on function drip._journey_meanings() is
  'The constraints of leads, opt-outs, sequences and steps, as _constraint_meanings() has them.';

create function drip._message_meanings()
returns table (name text, code text, sentence text, hint text)
language sql stable parallel safe
as $$
  values
    ('campaigns_title_unique', 'DR013', 'another campaign has that title',
      'Choose another title, or change that one with update_campaign.'),
    ('campaigns_title_form', 'DR004',
      'a campaign''s title is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a title with a letter in it.'),
    ('campaigns_category_known', 'DR004', 'the category is unknown',
      'Use marketing or utility.'),
    ('campaigns_type_known', 'DR004', 'the message type is unknown',
      format('Use %s.', drip._any_of(drip._message_types()))),
    ('campaigns_text_content', 'DR008', 'a text needs a message, and takes no media_url',
      'Give message, or set message_type to the type of the media.'),
    ('campaigns_variants_list', 'DR004', 'variants must be a list',
      'Give a JSON array: [{"name": "A", "weight": 1, "message": "Hi"}], or leave them out.'),
    ('campaigns_media_url', 'DR008', 'media needs a media_url',
      'Write it as http://… or https://…, without spaces.'),
    ('campaigns_template_given', 'DR008', 'a template message needs a template',
      'Give template, or another message_type.'),
    ('campaigns_target_known', 'DR015', 'the target status is unknown',
      'Use prospect, customer or all.'),
    ('campaigns_names_somebody', 'DR009', 'the campaign does not say who gets it',
      'Set niche, audience or everyone.'),
    ('campaigns_niche_token', 'DR004', 'the niche of a campaign must be a single token',
      'Leave the comma out; leads may have several niches, a campaign has one.'),
    ('campaigns_devices_some', 'DR004', 'devices is an empty list',
      'Leave it out to use each lead''s own device, or else the pool.'),
    ('campaigns_window_pair', 'DR004', 'send_from and send_to belong together',
      'Set both, or neither.'),
    ('campaigns_window_open', 'DR004', 'send_from and send_to are the same time',
      'Leave both out to send at all hours.'),
    ('campaigns_days_iso', 'DR004', 'send_days must be days of the week',
      'Use numbers from 1 (Monday) to 7 (Sunday), at least one.'),
    ('campaigns_valid_positive', 'DR004', 'valid_for is not above zero',
      'Write an interval, such as 12 hours; null = for ever.'),
    ('campaigns_status_known', 'DR004', 'the status is unknown',
      'Use draft, pending, triggered, completed, paused, cancelled or failed.'),
    ('campaigns_scheduled', 'DR005', 'only a draft may be without a time',
      'Use schedule_campaign.'),
    ('campaigns_delay_order', 'DR014', 'the delays of the campaign are out of order',
      'min_delay_seconds must be at least 0, and at most max_delay_seconds.'),
    ('campaigns_limit_positive', 'DR004', 'per_device_limit is not above zero',
      'Use null for no limit.'),
    ('campaigns_priority_known', 'DR004', 'priority is not 1, 2 or 3',
      '1 goes first; drip steps have 2, campaigns 3.'),
    ('campaigns_audience_fkey', 'DR012', 'audience names a view that is not registered',
      'Leave it out, or name one of drip.audiences.'),
    ('campaigns_exclude_fkey', 'DR012', 'exclude names a view that is not registered',
      'Leave it out, or name one of drip.audiences.'),

    ('broadcast_messages_idempotency_unique', 'DR013', 'another message has that key',
      'An idempotency key stands for one message of a tenant.'),
    ('sequence_contacts_attributes_object', 'DR004', 'attributes are not a JSON object',
      'Write {"city": "Ipoh"}.')
$$;
comment on function drip._message_meanings() is
  'The constraints of campaigns and messages, as _constraint_meanings() has them.';
