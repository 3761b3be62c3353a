-- Sent messages that a contact answered by an opt-out, each once.
create view drip._opt_out_answers with (security_barrier) as
select m.id as message_id, m.user_id, m.campaign_id, m.sequence_id, m.sequence_stepid, m.device_id
from (
  select distinct i.reply_to_message_id
  from drip.inbound_messages i
  where i.opt_out_category is not null and i.reply_to_message_id is not null
) q
join drip.broadcast_messages m on m.id = q.reply_to_message_id
where m.status = 'sent';
comment on view drip._opt_out_answers is
  'Grain: sent message answered by an opt-out (message_id), for the caller''s tenants; private.';
alter view drip._opt_out_answers owner to drip_view;
