-- The state of an enrollment, derived from its messages without the clock: the last finished step
-- decides; a pause takes precedence over a live state. _sync_enrollments() stores it, views show it
-- for rows that could not be stored yet. It belongs to the owner, so it shows every tenant.
create view drip._enrollment_facts as
select
  e.id as enrollment_id,
  e.user_id,
  case
    when f.is_stopped then 'sequence_failed'
    when f.is_done then 'completed'
    when s.status = 'paused' or l.paused_until is not null or e.paused_at is not null
      then 'paused'
    when j.last_status is null then 'pending'
    when j.last_status in ('sent', 'failed') then j.last_status
    else 'active'
  end as status,
  f.is_stopped or f.is_done as is_finished,
  st.day_number as current_step,
  st.id as sequence_stepid,
  coalesce(st.trigger, e.current_trigger) as current_trigger,
  case when not (f.is_stopped or f.is_done) then j.next_at end as next_trigger_time,
  nullif(btrim(last_step.next_trigger), '') as next_trigger,
  coalesce(j.last_sent_at, j.last_finished_at) as last_sent_at,
  j.last_finished_at
from drip.sequence_contacts e
join drip.sequences s on s.id = e.sequence_id
join drip.leads l on l.id = e.lead_id
cross join lateral (
  select
    count(*) filter (
      where m.status in ('pending', 'processing')
        or (m.status = 'unknown' and m.hold_ended_at is null)) as open,
    (array_agg(m.status order by p.day_number desc)
      filter (where m.finished_at is not null))[1] as last_status,
    coalesce(
      (array_agg(p.id order by p.day_number desc) filter (where m.attempts > 0))[1],
      (array_agg(p.id order by p.day_number))[1]) as step_id,
    (array_agg(p.id order by p.day_number desc) filter (where p.retired_at is null))[1]
      as last_step_id,
    (array_agg(m.scheduled_at order by p.day_number)
      filter (where m.status in ('pending', 'processing')))[1] as next_at,
    bool_or(m.status = 'failed') as any_failed,
    max(m.sent_at) as last_sent_at,
    max(m.finished_at) as last_finished_at
  from drip.broadcast_messages m
  join drip.sequence_steps p on p.id = m.sequence_stepid
  where m.sequence_contact_id = e.id
) j
cross join lateral (
  select
    s.on_step_failure = 'stop' and coalesce(j.any_failed, false) as is_stopped,
    j.open = 0 as is_done
) f
left join drip.sequence_steps st on st.id = j.step_id
left join drip.sequence_steps last_step on last_step.id = j.last_step_id;
comment on view drip._enrollment_facts is
  'Grain: enrollment (enrollment_id). Its state by its messages, for all tenants; private.';
grant select on drip._enrollment_facts to drip_view;
