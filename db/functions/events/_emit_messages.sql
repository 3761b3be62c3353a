-- The functions that change messages emit these events, a batch at a time.
create function drip._emit_messages(p_type text, p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_ids) > 0
    and exists (select from drip.subscriptions s where p_type ~ s.matches)
  then
    perform drip._send_message_events(p_type, p_ids);
  end if;
end
$$;
comment on function drip._emit_messages(text, bigint[]) is
  'Emits one event of the type, such as message.sent, for each of these messages as it stands.';

create function drip._send_message_events(p_type text, p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._send_events(p_type, array_agg(q.user_id), array_agg(q.data))
  from (
    select
      m.user_id,
      jsonb_build_object(
        'message_id', m.id,
        'lead_id', m.lead_id,
        'external_id', l.external_id,
        'phone', m.recipient_phone,
        'device_id', m.device_id,
        'device_name', d.name,
        'source_kind', case
          when m.campaign_id is not null then 'campaign'
          when m.sequence_id is not null then 'sequence'
          when m.is_test then 'test'
          else 'single'
        end,
        'source_name', coalesce(c.title, s.name, m.source ->> 'test_of'),
        'campaign_id', m.campaign_id,
        'sequence_id', m.sequence_id,
        'enrollment_id', m.sequence_contact_id,
        'step', st.day_number,
        'category', m.category,
        'status', m.status,
        'status_reason', m.status_reason,
        'error_code', m.error_code,
        'error_message', m.error_message,
        'provider_message_id', m.provider_message_id,
        'attempt', m.attempts,
        'sent_at', m.sent_at,
        'delivered_at', m.delivered_at,
        'read_at', m.read_at,
        'idempotency_key', m.idempotency_key) as data
    from drip.broadcast_messages m
    left join drip.leads l on l.id = m.lead_id
    left join drip.user_devices d on d.id = m.device_id
    left join drip.campaigns c on c.id = m.campaign_id
    left join drip.sequences s on s.id = m.sequence_id
    left join drip.sequence_steps st on st.id = m.sequence_stepid
    where m.id = any (p_ids)
      and m.user_id in (
        select b.user_id from drip.subscriptions b where p_type ~ b.matches)
    order by m.id
  ) q
  having count(*) > 0;
end
$$;
comment on function drip._send_message_events(text, bigint[]) is
  'Sends one event for each of these messages, where its tenant is subscribed to the type.';
