-- Applies a new status to messages and journeys, whoever wrote it. Waiting for each pending row is
-- the point: once a pause has committed, no message is claimed.
create or replace function drip._apply_sequence_status() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_live constant bigint[] := array(
    select e.id
    from drip.sequence_contacts e
    where e.sequence_id = new.id
      and e.status in ('pending', 'active', 'sent', 'failed', 'paused')
    order by e.id);
begin
  if new.status = 'paused' then
    perform drip._defer_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.sequence_contact_id = any (v_live) and m.status = 'pending'),
      'sequence_paused');
    perform drip._mark_paused(v_live);
  elsif new.status = 'active' and old.status = 'paused' then
    perform drip._resume_messages(
      v_live, array_fill(old.paused_at, array[cardinality(v_live)]), drip.now());
    -- In slices: a sync is built for the results of a claim, and 100,000 at once did not finish.
    for v_from in 1 .. cardinality(v_live) by 500 loop
      perform drip._sync_enrollments(v_live[v_from:v_from + 499]);
    end loop;
    perform drip._forget_results(null, new.id);
  elsif new.status = 'archived' then
    perform drip._exit_enrollments(v_live, 'sequence_archived');
  end if;
  return null;
end
$$;
comment on function drip._apply_sequence_status() is
  'Trigger: defers, frees or cancels the pending messages of a sequence when its status changes.';

create or replace trigger apply_sequence_status
  after update of status on drip.sequences
  for each row when (new.status is distinct from old.status)
  execute function drip._apply_sequence_status();

-- The sweep runs at once after a change that decides who matches.
create or replace function drip._announce_sequence() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('drip_enroll', '');
  return null;
end
$$;
comment on function drip._announce_sequence() is
  'Trigger: notifies the workers that leads may match a sequence now.';

create or replace trigger announce_sequence
  after update on drip.sequences
  for each row
  when (new.status = 'active' and new.swept_at is null and new.swept_to_lead_id = 0)
  execute function drip._announce_sequence();
