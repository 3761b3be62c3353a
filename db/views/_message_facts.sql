-- The verdict on each pending message. Claim, explanations and the outlook all read this view, so
-- they cannot disagree. It shows every tenant: readers filter by user_id.
create view drip._message_facts as
select
  f.message_id,
  f.user_id,
  f.lead_id,
  f.device_id,
  f.scheduled_at,
  f.due_at,
  f.priority,
  f.planned_at,
  f.recipient_phone,
  f.campaign_id,
  f.sequence_id,
  f.sequence_stepid,
  v.verdict,
  v.reason,
  v.until,
  f.device_min_seconds,
  f.device_max_seconds,
  f.program_min_seconds,
  f.program_max_seconds,
  f.burst,
  f.is_capped,
  f.enrollment_id,
  f.exit_if,
  f.only_if
from drip._message_evidence f
cross join lateral drip._judge(f) v;
comment on view drip._message_facts is
  'Grain: pending message (message_id). The verdict over its facts, for all tenants; private.';
grant select on drip._message_facts to drip_view;
