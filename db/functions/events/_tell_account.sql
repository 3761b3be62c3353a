-- Applications watch the status of accounts; only a change that matters to them is an event.
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
  'Trigger: emits account.needs_attention, and account.online once the account works again.';

create or replace trigger sender_accounts_tell
  after update of status on drip.sender_accounts
  for each row when (
    new.status is distinct from old.status and new.status in ('online', 'needs_attention'))
  execute function drip._tell_account();
comment on trigger sender_accounts_tell on drip.sender_accounts is
  'The events account.needs_attention and account.online.';
