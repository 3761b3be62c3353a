-- The facts about each pending message, a column each, that the verdict judges and explanations
-- show. It belongs to the owner, so it shows every tenant, and readers filter by user_id.
create view drip._message_evidence as
select  -- noqa: AM04
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
  from (
    select
      b.status, b.due_at, b.finished_at, b.hold_ended_at, b.scheduled_at, ps.id,
      -- the waits of all later steps: a step that expired in between brings them no closer
      case
        when ps.retired_at is not null then o.delay_hours
        else sum(ps.trigger_delay_hours) filter (where ps.retired_at is null) over (
          order by ps.day_number desc rows between unbounded preceding and 1 preceding)
      end as hours
    from drip.sequence_steps ps
    join drip.broadcast_messages b
      on b.sequence_contact_id = o.enrollment_id
      and b.sequence_stepid = ps.id
    where o.enrollment_id is not null
      and (o.day_number > 1 or o.steps_edited_at is not null)
      and ps.sequence_id = o.sequence_id
      -- a sent message of a removed step precedes all remaining steps
      and case
        when o.step_retired_at is null
          then ps.day_number <= o.day_number or ps.retired_at is not null
        -- a message that was in flight then and comes back waits for none of them
        else ps.retired_at is not null and ps.day_number < o.day_number
      end
  ) p
  where p.id <> o.sequence_stepid
  offset 0
) pred on true;
comment on view drip._message_evidence is
  'Grain: pending message (message_id). The facts of its verdict, for all tenants; private.';
grant select on drip._message_evidence to drip_view;
