-- Journeys begin and end in many places, psql included, so triggers emit the events: once per
-- statement, because 100,000 leads may enroll in one. Without subscribers this costs one EXISTS.
create or replace function drip._tell_enrollments() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from drip.subscriptions s where 'lead.enrolled' ~ s.matches) then
    perform drip._emit_journeys('lead.enrolled', array(select n.id from new_rows n));
  end if;
  return null;
end
$$;
comment on function drip._tell_enrollments() is
  'Trigger: emits lead.enrolled for each new enrollment.';

create or replace trigger sequence_contacts_tell_start
  after insert on drip.sequence_contacts
  referencing new table as new_rows
  for each statement execute function drip._tell_enrollments();
comment on trigger sequence_contacts_tell_start on drip.sequence_contacts is
  'The event lead.enrolled.';

-- Joins nothing to the other set: callers allow the planner nested loops only.
create or replace function drip._tell_journey_ends() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended bigint[];
begin
  if not exists (select from drip.subscriptions s) then
    return null;
  end if;
  v_ended := array(select o.id from old_rows o where o.completed_at is not null);
  perform drip._emit_journeys(q.type, q.ids)
  from (
    select
      case
        when n.completed_at is null then 'sequence.reopened'
        when n.status = 'completed' then 'sequence.completed'
        when n.status = 'sequence_failed' then 'sequence.failed'
        else 'sequence.exited'
      end as type,
      array_agg(n.id) as ids
    from new_rows n
    where case
      when n.completed_at is null then n.id = any (v_ended)
      else n.id <> all (v_ended)
    end
    group by 1
  ) q;
  return null;
end
$$;
comment on function drip._tell_journey_ends() is
  'Trigger: emits sequence.completed, .failed or .exited when a journey ends, .reopened when it
   is reopened.';

create or replace trigger sequence_contacts_tell_end
  after update on drip.sequence_contacts
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._tell_journey_ends();
comment on trigger sequence_contacts_tell_end on drip.sequence_contacts is
  'The events sequence.completed, sequence.failed, sequence.exited and sequence.reopened.';

create function drip._emit_journeys(p_type text, p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._send_events(p_type, array_agg(q.user_id), array_agg(q.data))
  from (
    select
      e.user_id,
      jsonb_build_object(
        'enrollment_id', e.id,
        'sequence_id', e.sequence_id,
        'sequence_name', s.name,
        'lead_id', e.lead_id,
        'external_id', l.external_id,
        'phone', e.contact_phone,
        'key', e.key,
        'status', e.status,
        'exit_reason', e.exit_reason,
        'enrolled_at', e.enrolled_at,
        'next_at', e.next_trigger_time,
        'completed_at', e.completed_at) as data
    from drip.sequence_contacts e
    join drip.sequences s on s.id = e.sequence_id
    join drip.leads l on l.id = e.lead_id
    where e.id = any (p_ids)
      and e.user_id in (
        select b.user_id from drip.subscriptions b where p_type ~ b.matches)
    order by e.id
  ) q
  having count(*) > 0;
end
$$;
comment on function drip._emit_journeys(text, bigint[]) is
  'Emits one event of the type for each of these enrollments, in their present state.';
