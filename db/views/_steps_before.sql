-- Which messages of its journey a message waits for, and the hours from each of them to it: the
-- waits of all later steps, since a step that expired in between brings them no closer. A message
-- of a removed step precedes all remaining steps. One that was in flight when its step was removed,
-- and comes back, waits for none of those, only for removed steps before its own. A view, because
-- message_outlook reads it with the rights of its owner; it belongs to the owner and shows every
-- tenant, so readers filter by message.
create view drip._steps_before as
select
  q.message_id,
  q.status,
  q.due_at,
  q.finished_at,
  q.hold_ended_at,
  q.scheduled_at,
  q.hours
from (
  select
    m.id as message_id,
    b.status, b.due_at, b.finished_at, b.hold_ended_at, b.scheduled_at,
    ps.id <> st.id as is_another,
    case
      when ps.retired_at is not null then st.trigger_delay_hours
      else sum(ps.trigger_delay_hours) filter (where ps.retired_at is null) over (
        partition by m.id
        order by ps.day_number desc
        rows between unbounded preceding and 1 preceding)
    end as hours
  from drip.broadcast_messages m
  join drip.sequence_steps st on st.id = m.sequence_stepid
  join drip.sequence_steps ps
    on ps.sequence_id = st.sequence_id
    and case
      when st.retired_at is null then ps.day_number <= st.day_number or ps.retired_at is not null
      else ps.retired_at is not null and ps.day_number <= st.day_number
    end
  join drip.broadcast_messages b
    on b.sequence_contact_id = m.sequence_contact_id and b.sequence_stepid = ps.id
) q
where q.is_another;
comment on view drip._steps_before is
  'Grain: message × message of an earlier step of its journey, whatever its status, with the hours
   that must lie between them; for all tenants, private.';
grant select on drip._steps_before to drip_view;
