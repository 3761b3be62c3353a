-- Only what process_inbound() stored as a reply: no own message, group message or status post.
create function drip._emit_replies(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  if coalesce(cardinality(p_ids), 0) = 0
    or not exists (select from drip.subscriptions s where 'lead.replied' ~ s.matches)
  then
    return;
  end if;
  perform drip._send_events('lead.replied', array_agg(q.user_id), array_agg(q.data))
  from (
    select
      i.user_id,
      jsonb_build_object(
        'inbound_id', i.id,
        'lead_id', i.lead_id,
        'external_id', l.external_id,
        'phone', coalesce(l.phone, case when i.sender ~ e'^\\+\\d+$' then i.sender end),
        'sender_name', i.sender_name,
        'device_id', i.device_id,
        'device_name', d.name,
        'kind', i.kind,
        'text', i.body,
        'payload', i.payload,
        'reply_to_message_id', i.reply_to_message_id,
        'opt_out_category', i.opt_out_category,
        'provider_message_id', i.provider_message_id,
        'sent_at', i.sent_at,
        'received_at', i.received_at) as data
    from drip.inbound_messages i
    left join drip.leads l on l.id = i.lead_id
    left join drip.user_devices d on d.id = i.device_id
    where i.id = any (p_ids)
      and i.user_id in (
        select b.user_id from drip.subscriptions b where 'lead.replied' ~ b.matches)
    order by i.id
  ) q
  having count(*) > 0;
end
$$;
comment on function drip._emit_replies(bigint[]) is
  'Emits lead.replied for each of these rows of inbound_messages.';
