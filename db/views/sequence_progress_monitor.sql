-- The monitor that operators know: one row per enrollment and step. The message columns describe
-- the row's step; step_status, next_trigger_time and completed_at describe the enrollment.
create view drip.sequence_progress_monitor with (security_barrier) as
select
  s.name as sequence_name,
  case
    when (select drip.can_see_phones()) then e.contact_phone
    else drip.mask_phone(e.contact_phone)
  end as contact_phone,
  st.day_number as current_step,
  e.status as step_status,
  m.status as message_status,
  e.next_trigger_time,
  e.completed_at,
  m.sent_at,
  m.error_message,
  case
    when m.status = 'sent' and e.status = 'completed' then 'Step completed'
    when m.status = 'sent' then 'Message sent'
    when m.status = 'failed' then 'Message failed'
    when m.status = 'processing' then 'Sending'
    when m.status = 'unknown' then 'Outcome unknown'
    when m.status <> 'pending' then initcap(m.status)
    when e.status = 'paused' then 'Paused'
    when m.due_at <= drip.now() and m.scheduled_at <= e.next_trigger_time then 'Ready to send'
    when m.scheduled_at <= e.next_trigger_time then 'Scheduled'
    else 'Waiting'
  end as current_state,
  e.user_id,
  e.enrollment_id,
  e.sequence_id,
  m.sequence_stepid,
  st.name as step_name,
  m.id as message_id,
  e.lead_id,
  e.contact_name,
  e.key,
  e.current_step as enrollment_step,
  n.day_number as next_step,
  p.finished as steps_finished,
  p.total as steps_total,
  m.scheduled_at,
  m.planned_at,
  m.status_reason,
  m.attempts,
  m.delivered_at,
  m.read_at,
  e.assigned_device_id as device_id,
  d.name as device_name,
  e.enrolled_at,
  e.exit_reason
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip._enrollments x where drip._policies_hold('sequence_progress_monitor')) e
join drip.sequences s on s.id = e.sequence_id
join drip.broadcast_messages m on m.sequence_contact_id = e.enrollment_id
join drip.sequence_steps st on st.id = m.sequence_stepid
left join drip.user_devices d on d.id = e.assigned_device_id
cross join lateral (
  select
    count(*) as total,
    count(*) filter (where x.finished_at is not null) as finished
  from drip.broadcast_messages x
  where x.sequence_contact_id = e.enrollment_id
) p
left join lateral (
  select xs.day_number
  from drip.broadcast_messages x
  join drip.sequence_steps xs on xs.id = x.sequence_stepid
  where x.sequence_contact_id = e.enrollment_id and x.status in ('pending', 'processing')
  order by xs.day_number
  limit 1
) n on true
order by s.name, e.contact_phone, st.day_number;
comment on view drip.sequence_progress_monitor is
  'Grain: enrollment × step (enrollment_id, sequence_stepid). Where each contact stands.';
comment on column drip.sequence_progress_monitor.sequence_name is 'Sequence.';
comment on column drip.sequence_progress_monitor.contact_phone is 'E.164; masked without drip_pii.';
comment on column drip.sequence_progress_monitor.current_step is
  'Position of the row''s step, from 1.';
comment on column drip.sequence_progress_monitor.step_status is
  'Status of the enrollment: pending, active, sent, failed, paused, completed, sequence_failed,
   exited.';
comment on column drip.sequence_progress_monitor.message_status is 'Status of the row''s message.';
comment on column drip.sequence_progress_monitor.next_trigger_time is
  'When the enrollment''s next message is due; null when finished.';
comment on column drip.sequence_progress_monitor.completed_at is 'When the enrollment finished.';
comment on column drip.sequence_progress_monitor.sent_at is
  'When the row''s message was accepted by the sender.';
comment on column drip.sequence_progress_monitor.error_message is
  'Last error of the row''s message.';
comment on column drip.sequence_progress_monitor.current_state is 'The row''s step as a sentence.';
comment on column drip.sequence_progress_monitor.user_id is 'Tenant.';
comment on column drip.sequence_progress_monitor.enrollment_id is 'Enrollment.';
comment on column drip.sequence_progress_monitor.sequence_id is 'Sequence.';
comment on column drip.sequence_progress_monitor.sequence_stepid is 'Step.';
comment on column drip.sequence_progress_monitor.step_name is 'Name of the step.';
comment on column drip.sequence_progress_monitor.message_id is 'Message of the row.';
comment on column drip.sequence_progress_monitor.lead_id is 'Contact.';
comment on column drip.sequence_progress_monitor.contact_name is 'Name at enrollment.';
comment on column drip.sequence_progress_monitor.key is 'The application''s key of the enrollment.';
comment on column drip.sequence_progress_monitor.enrollment_step is
  'Step that the enrollment tried last, else the first.';
comment on column drip.sequence_progress_monitor.next_step is
  'Position of the next step to send; null when none is left.';
comment on column drip.sequence_progress_monitor.steps_finished is
  'Steps of the journey that are finished.';
comment on column drip.sequence_progress_monitor.steps_total is 'Steps of the journey.';
comment on column drip.sequence_progress_monitor.scheduled_at is 'Time of the row''s message now.';
comment on column drip.sequence_progress_monitor.planned_at is
  'Time of the row''s message at planning.';
comment on column drip.sequence_progress_monitor.status_reason is 'Why the message has its status.';
comment on column drip.sequence_progress_monitor.attempts is 'How often the message was claimed.';
comment on column drip.sequence_progress_monitor.delivered_at is 'When it reached the phone.';
comment on column drip.sequence_progress_monitor.read_at is 'When it was read.';
comment on column drip.sequence_progress_monitor.device_id is 'Device of the journey.';
comment on column drip.sequence_progress_monitor.device_name is 'Its name.';
comment on column drip.sequence_progress_monitor.enrolled_at is 'When the contact was enrolled.';
comment on column drip.sequence_progress_monitor.exit_reason is
  'Why the journey was exited: opted_out, lead_replied, exit_if, sequence_archived, erased,
   exit_lead, or the reason passed to exit_lead.';
alter view drip.sequence_progress_monitor owner to drip_view;
grant select on drip.sequence_progress_monitor to drip_reader;
