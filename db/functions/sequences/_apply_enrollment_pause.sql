-- Setting status to paused, or from paused to another live status, pauses or resumes the journey; a
-- status derived by _sync_enrollments is not a user's request. A journey that ends is not paused.
create or replace function drip._read_enrollment_status() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.completed_at is not null then
    new.paused_at := null;
  elsif coalesce(current_setting('drip.deriving', true), '') <> ''
    or new.paused_at is distinct from old.paused_at
  then
    return new;
  elsif new.status = 'paused' then
    new.paused_at := coalesce(old.paused_at, drip.now());
  else
    new.paused_at := null;
  end if;
  if new.paused_at is null then
    new.pause_reason := null;
  end if;
  return new;
end
$$;
comment on function drip._read_enrollment_status() is
  'Trigger: pauses or resumes an enrollment whose status is set to paused, or from it.';

create or replace trigger read_enrollment_status
  before update of status on drip.sequence_contacts
  for each row
  when (old.paused_at is not null
    or (new.status = 'paused' and coalesce(current_setting('drip.deriving', true), '') = ''))
  execute function drip._read_enrollment_status();

-- Waiting for each pending row is the point: once a pause has committed, no message is claimed.
create or replace function drip._apply_enrollment_pause() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.paused_at is not null then
    perform drip._defer_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.sequence_contact_id = new.id and m.status = 'pending'),
      'enrollment_paused');
    perform drip._mark_paused(array[new.id]);
  else
    perform drip._resume_messages(array[new.id], array[old.paused_at], drip.now());
    perform drip._sync_enrollments(array[new.id]);
  end if;
  return null;
end
$$;
comment on function drip._apply_enrollment_pause() is
  'Trigger: defers or frees the pending messages of a journey that is paused or resumed.';

create or replace trigger apply_enrollment_pause
  after update on drip.sequence_contacts
  for each row
  when (new.completed_at is null and (new.paused_at is null) <> (old.paused_at is null))
  execute function drip._apply_enrollment_pause();
