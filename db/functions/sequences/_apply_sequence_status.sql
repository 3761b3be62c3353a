-- What a new status means for messages and journeys, whoever wrote it. Waiting for each pending
-- row is the point: once a pause has committed, nothing unclaimed leaves.
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
    perform drip._hold_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.sequence_contact_id = any (v_live) and m.status = 'pending'),
      'sequence_paused');
    perform drip._mark_paused(v_live);
  elsif new.status = 'active' and old.status = 'paused' then
    perform drip._resume_messages(
      v_live, array_fill(old.paused_at, array[cardinality(v_live)]), drip.now());
    -- In slices: made for the results of a claim, a sync of 100,000 at once did not end.
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
  'Holds, frees or cancels the pending messages of a sequence when its status changes.';

create or replace trigger apply_sequence_status
  after update of status on drip.sequences
  for each row when (new.status is distinct from old.status)
  execute function drip._apply_sequence_status();

-- The sweep looks at once when something changed that decides who matches.
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
  'Tells the workers that leads may match a sequence now.';

create or replace trigger announce_sequence
  after update on drip.sequences
  for each row
  when (new.status = 'active' and new.swept_at is null and new.swept_to_lead_id = 0)
  execute function drip._announce_sequence();

-- Held: not before the end of time, with the reason that explain and views show. A worker that
-- pauses a program leaves the rows that somebody holds (drip.hold_policy).
create function drip._hold_messages(p_ids bigint[], p_reason text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
begin
  if current_setting('drip.hold_policy', true) = 'skip' then
    v_ids := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_ids) and m.status = 'pending'
      order by m.id
      for no key update skip locked);
  else
    v_ids := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_ids) and m.status = 'pending'
      order by m.id
      for no key update);
  end if;
  update drip.broadcast_messages m
  set not_before = 'infinity', deferred_reason = p_reason
  where m.id = any (v_ids) and not drip._is_resting(m);
end
$$;
comment on function drip._hold_messages(bigint[], text) is
  'Holds pending messages until they are freed; waits for rows that somebody is changing.';

-- The wait that a sender asked for after a failure outlasts a pause and its end: the claim judges
-- the pause itself, and nothing else remembers the wait.
create function drip._is_resting(p_message drip.broadcast_messages) returns boolean
language sql stable parallel safe
as $$
  select p_message.failures > 0
    and coalesce(p_message.deferred_reason = 'not_due', false)
    and p_message.not_before > drip.now()
$$;
comment on function drip._is_resting(drip.broadcast_messages) is
  'True while a message waits after a failure, for as long as the sender or error_codes said.';

-- A pause wins over every live state, so nothing is derived here. A row that somebody holds is left
-- to the next tick.
create function drip._mark_paused(p_enrollments bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deriving constant text := coalesce(current_setting('drip.deriving', true), '');
begin
  -- what it writes into status is nobody's wish
  perform set_config('drip.deriving', 'yes', true);
  with locked as (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_enrollments) and e.completed_at is null
    order by e.id
    for no key update skip locked
  ),
  marked as (
    update drip.sequence_contacts e
    set status = 'paused'
    from locked k
    where e.id = k.id
    returning e.id
  )
  insert into drip.sync_backlog (enrollment_id, noted_at)
  select e.id, drip.now()
  from unnest(p_enrollments) as e (id)
  except
  select m.id, drip.now()
  from marked m;
  perform set_config('drip.deriving', v_deriving, true);
end
$$;
comment on function drip._mark_paused(bigint[]) is
  'Shows these live journeys as paused.';
