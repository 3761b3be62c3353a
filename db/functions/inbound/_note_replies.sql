-- Sets replied_at of the message and last_inbound_at of the lead. The next tick does it for a lead
-- that an application has locked.
create function drip._note_replies(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  update drip.broadcast_messages m
  set replied_at = least(m.replied_at, q.at)
  from (
    select i.reply_to_message_id, min(i.sent_at) as at
    from drip.inbound_messages i
    where i.id = any (p_ids)
      and i.reply_to_message_id is not null
      and i.is_reply
    group by i.reply_to_message_id
    order by i.reply_to_message_id
  ) q
  where m.id = q.reply_to_message_id and m.status = 'sent';
  perform drip._note_last_inbound(p_ids);
end
$$;
comment on function drip._note_replies(bigint[]) is
  'Marks the messages that these inbound messages reply to, and their leads.';
