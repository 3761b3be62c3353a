-- Programs and senders change rarely: a row at a time, and only when the status becomes another.
-- Every pause is told, a person's too: status_reason says why, and null is a person who gave none.
create or replace function drip._tell_campaign() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._emit(
    new.user_id, 'campaign.' || new.status,
    jsonb_build_object(
      'campaign_id', new.id,
      'title', new.title,
      'status', new.status,
      'previous_status', old.status,
      'status_reason', new.status_reason,
      'audience_count', new.audience_count,
      'scheduled_at', new.scheduled_at,
      'completed_at', new.completed_at));
  return null;
end
$$;
comment on function drip._tell_campaign() is
  'Trigger: emits campaign.completed, .failed, .paused or .cancelled.';

create or replace trigger campaigns_tell
  after update of status on drip.campaigns
  for each row when (
    new.status is distinct from old.status
    and new.status in ('completed', 'failed', 'paused', 'cancelled'))
  execute function drip._tell_campaign();
comment on trigger campaigns_tell on drip.campaigns is
  'The events campaign.completed, campaign.failed, campaign.paused and campaign.cancelled.';

create or replace function drip._tell_sequence() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._emit(
    new.user_id, 'sequence.paused',
    jsonb_build_object(
      'sequence_id', new.id,
      'sequence_name', new.name,
      'status', new.status,
      'previous_status', old.status,
      'status_reason', new.status_reason));
  return null;
end
$$;
comment on function drip._tell_sequence() is
  'Trigger: emits sequence.paused.';

create or replace trigger sequences_tell
  after update of status on drip.sequences
  for each row when (new.status is distinct from old.status and new.status = 'paused')
  execute function drip._tell_sequence();
comment on trigger sequences_tell on drip.sequences is 'The event sequence.paused.';

create or replace function drip._tell_device() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._emit(
    new.user_id, 'device.' || new.status,
    jsonb_build_object(
      'device_id', new.id,
      'device_name', new.name,
      'phone', new.phone,
      'platform', new.platform,
      'status', new.status,
      'previous_status', old.status,
      'status_reason', new.status_reason));
  return null;
end
$$;
comment on function drip._tell_device() is
  'Trigger: emits device.online, .offline, .needs_attention or .disabled.';

create or replace trigger user_devices_tell
  after update of status on drip.user_devices
  for each row when (new.status is distinct from old.status)
  execute function drip._tell_device();
comment on trigger user_devices_tell on drip.user_devices is
  'The events device.online, device.offline, device.needs_attention and device.disabled.';

create or replace function drip._tell_account() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._emit(
    new.user_id, 'account.' || new.status,
    jsonb_build_object(
      'account_id', new.id,
      'account_name', new.name,
      'platform', new.platform,
      'status', new.status,
      'previous_status', old.status,
      'status_reason', new.status_reason,
      'blocked_until', new.blocked_until));
  return null;
end
$$;
comment on function drip._tell_account() is
  'Trigger: emits account.needs_attention, and account.online when that is over.';

create or replace trigger sender_accounts_tell
  after update of status on drip.sender_accounts
  for each row when (
    new.status is distinct from old.status and new.status in ('online', 'needs_attention'))
  execute function drip._tell_account();
comment on trigger sender_accounts_tell on drip.sender_accounts is
  'The events account.needs_attention and account.online.';
