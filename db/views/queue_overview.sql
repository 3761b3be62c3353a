-- The whole queue at a glance: one line per tenant, status and reason.
create view drip.queue_overview with (security_barrier) as
select
  m.user_id,
  u.name as user_name,
  e.status,
  coalesce(
    m.status_reason,
    case when m.status <> e.status then 'campaign_cancelled' end,
    case when m.status = 'pending' and m.due_at > drip.now()
      then coalesce(m.deferred_reason, 'not_due') end,
    case when m.status = 'pending' then 'due' end) as reason,
  count(*) as messages,
  count(*) filter (where e.status = 'pending' and m.due_at <= drip.now()) as due,
  min(m.due_at) filter (where e.status = 'pending' and m.due_at < 'infinity') as oldest_due_at,
  max(m.due_at) filter (where e.status = 'pending' and m.due_at < 'infinity') as newest_due_at
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.broadcast_messages x where drip._policies_hold('queue_overview')) m
join drip.users u on u.id = m.user_id
-- cancelling a large campaign changes its messages in chunks
cross join lateral (
  select case
      when m.status = 'pending' and m.campaign_id = any (array(
        select k.id from drip.campaigns k where k.status = 'cancelled' and k.sweeps is not null))
        then 'cancelled'
      else m.status
    end as status
) e
group by 1, 2, 3, 4;
comment on view drip.queue_overview is
  'Grain: tenant × status × reason (user_id, status, reason). How many messages are where.';
comment on column drip.queue_overview.user_id is 'Tenant.';
comment on column drip.queue_overview.user_name is 'Its name.';
comment on column drip.queue_overview.status is 'Status of the messages.';
comment on column drip.queue_overview.reason is
  'Reason code; due means that only the device''s turn is missing.';
comment on column drip.queue_overview.messages is 'How many.';
comment on column drip.queue_overview.due is 'Pending messages whose time has come.';
comment on column drip.queue_overview.oldest_due_at is 'Earliest time among the pending ones.';
comment on column drip.queue_overview.newest_due_at is 'Latest time among the pending ones.';
alter view drip.queue_overview owner to drip_view;
grant select on drip.queue_overview to drip_reader;
