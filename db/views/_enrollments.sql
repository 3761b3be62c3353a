-- The present state of enrollments: the stored one, or the derived one where storing it had to
-- wait.
create view drip._enrollments with (security_barrier) as
select
  e.id as enrollment_id,
  e.user_id,
  e.sequence_id,
  e.lead_id,
  e.key,
  e.contact_phone,
  e.contact_name,
  e.assigned_device_id,
  e.exit_reason,
  e.enrolled_at,
  coalesce(f.status, e.status) as status,
  coalesce(f.current_step, e.current_step) as current_step,
  coalesce(f.sequence_stepid, e.sequence_stepid) as sequence_stepid,
  case when f.enrollment_id is null then e.next_trigger_time else f.next_trigger_time end
    as next_trigger_time,
  case when f.is_finished then f.last_finished_at else e.completed_at end as completed_at
from drip.sequence_contacts e
left join drip._enrollment_facts f
  on f.enrollment_id = e.id
  and e.completed_at is null
  and exists (select from drip.sync_backlog b where b.enrollment_id = e.id);
comment on view drip._enrollments is
  'Grain: enrollment (enrollment_id). Its present state, for the caller''s tenants; private.';
alter view drip._enrollments owner to drip_view;
