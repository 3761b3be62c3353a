-- The facts about each pending message, a column each, that the verdict judges and explanations
-- show. It belongs to the owner, so it shows every tenant, and readers filter by user_id.
create view drip._message_evidence as
select
  o.*,  -- noqa: AM04
  pred.due_at as predecessor_due_at,
  pred.hold_at as predecessor_hold_at,
  pred.free_at as predecessor_free_at
from drip._own_evidence o
left join lateral (
  select
    min(p.due_at) filter (where p.status in ('pending', 'processing')) as due_at,
    max(p.finished_at + drip._exactly(o.unknown_hold))
      filter (where p.status = 'unknown' and p.hold_ended_at is null) as hold_at,
    max(drip._free_at(p.finished_at, p.scheduled_at, p.hours, o.send_time, o.zone))
      filter (where p.status in ('sent', 'failed', 'unknown')) as free_at
  from drip._steps_before p
  -- a first step waits for nothing
  where p.message_id = o.message_id
    and o.enrollment_id is not null
    and (o.day_number > 1 or o.steps_edited_at is not null)
  offset 0
) pred on true;
comment on view drip._message_evidence is
  'Grain: pending message (message_id). The facts of its verdict, for all tenants; private.';
grant select on drip._message_evidence to drip_view;
