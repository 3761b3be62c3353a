-- Campaigns change rarely: one row at a time, and only a change of status is an event. Pauses by
-- people are events too: status_reason says why, null if the person gave no reason.
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
