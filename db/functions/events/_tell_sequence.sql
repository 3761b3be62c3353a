-- An application that enrolls leads must know when errors have paused the sequence.
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
