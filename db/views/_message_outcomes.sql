-- What became of a message, in one place, so that the overviews cannot disagree: only a sent
-- message can be delivered, and a reply proves the arrival of one whose receipt was lost. No
-- security barrier: the views on top have one, and their plans must inline this one.
create view drip._message_outcomes as
select
  m.id as message_id,
  m.user_id,
  m.campaign_id,
  m.sequence_id,
  m.sequence_stepid,
  m.device_id,
  m.variant,
  m.lead_id,
  -- cancelling a large campaign changes its messages in chunks
  case
    when m.status = 'pending' and m.campaign_id = any (array(
      select k.id from drip.campaigns k where k.status = 'cancelled' and k.sweeps is not null))
      then 'cancelled'
    else m.status
  end as status,
  m.due_at,
  m.sent_at,
  m.replied_at,
  m.status = 'sent' and (m.delivered_at is not null or m.read_at is not null) as is_delivered,
  m.status = 'sent' and m.read_at is not null as is_read,
  m.status = 'sent' and m.replied_at is not null as is_replied,
  m.status = 'sent'
    and m.delivered_at is null
    and m.read_at is null
    and m.replied_at is null
    and r.device_id is not null
    and m.sent_at < drip.now() - interval '1 hour' as is_unconfirmed,
  r.device_id is not null as is_reported
from drip.broadcast_messages m
left join drip._reporting_devices r on r.device_id = m.device_id
where not m.is_test;
comment on view drip._message_outcomes is
  'Grain: message (message_id). Its receipts and replies, for the caller''s tenants, without test
   messages; private.';
alter view drip._message_outcomes owner to drip_view;
