-- A key stands for one request. Requests are compared, not rendered texts; time and device may
-- differ, since a caller that tries again calculates them anew.
create function drip._repeated_message(
  p_user_id bigint, p_key text, p_phone text, p_category text, p_message_type text, p_source jsonb)
returns table (
  message_id bigint, lead_id bigint, outcome text, reason text, scheduled_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_message drip.broadcast_messages;
  v_lead_phone text;
  v_phone text;
  v_what text;
begin
  select m.* into v_message
  from drip.broadcast_messages m
  where m.user_id = p_user_id and m.idempotency_key = p_key;
  if not found then
    -- the request was erased with the lead, so nothing can be compared
    return query
      select m.id, m.lead_id, 'already_sent'::text, 'erased'::text, m.scheduled_at
      from drip.broadcast_messages m
      where m.user_id = p_user_id and m.idempotency_key = drip._erased_key(p_key);
    return;
  end if;
  select l.phone into v_lead_phone from drip.leads l where l.id = v_message.lead_id;
  select coalesce(r.phone, p_phone)
  into v_phone
  from drip.users u
  cross join lateral drip._read_phone(p_phone, u.default_region) r
  where u.id = p_user_id;
  v_what := case
    when v_phone is null
      or drip._phone_key(v_phone) not in (
        drip._phone_key(v_message.recipient_phone), drip._phone_key(v_lead_phone))
      then 'another phone'
    when (v_message.category, v_message.message_type) <> (p_category, p_message_type)
      then 'another category or message type'
    when v_message.source is distinct from p_source then 'another content'
  end;
  if v_what is not null then
    perform drip._fail(
      'DR022',
      format('the idempotency key stands for message %s, which has %s', v_message.id, v_what),
      'A new message needs a new key; the same key needs the same request.');
  end if;
  return query
    select v_message.id, v_message.lead_id, 'already_sent', null::text, v_message.scheduled_at;
end
$$;
comment on function drip._repeated_message(bigint, text, text, text, text, jsonb) is
  'The message of an idempotency key as already_sent, DR022 where the request differs; no row for a
   new key.';
