-- A test is a single message with a program's text: no funnel, overview or completion counts it,
-- and a campaign to everybody still reaches the tester. is_test excludes it from caps, replies and
-- reports; the device's pacing and cap apply, since the number really sends. It stands here because
-- campaigns build on this room.
create function drip._send_test(
  p_user_id bigint, p_phone text, p_devices bigint[], p_category text, p_message_type text,
  p_source jsonb)
returns table (
  message_id bigint, lead_id bigint, device_id bigint, device_name text, variant text,
  message_type text, content text, caption text, media_url text, template jsonb, outcome text,
  reason text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_valid_for constant interval := interval '1 hour';
  v_now constant timestamptz := drip.now();
  v_lead drip.leads := drip._find_tester(p_user_id, p_phone);
  v_device bigint;
  v_reason text;
  v_id bigint;
  v_at timestamptz;
begin
  v_device := (drip._place_leads(p_user_id, p_devices, array[v_lead.id], 1))[1];
  v_reason := case
    when drip._is_stopped(p_user_id, v_lead.phone, p_category) then 'suppressed'
    when v_device is null then 'no_device'
  end;
  if v_reason is not null then
    return query
      select
        null::bigint, v_lead.id, v_device, d.name, p_source ->> 'variant', p_message_type,
        null::text, null::text, null::text, null::jsonb, v_reason, drip.reason_sentence(v_reason)
      from (select) q
      left join drip.user_devices d on d.id = v_device;
    return;
  end if;

  -- before all messages that wait for the device
  select least(v_now, min(m.due_at) - interval '1 millisecond')
  into v_at
  from drip.broadcast_messages m
  where m.device_id = v_device and m.status = 'pending' and m.priority = 1 and not m.is_test;
  insert into drip.broadcast_messages (
    user_id, device_id, lead_id, recipient_phone, recipient_name, category, message_type, source,
    priority, scheduled_at, planned_at, expires_at, created_at, is_test)
  values (
    p_user_id, v_device, v_lead.id, v_lead.phone, v_lead.name, p_category, p_message_type,
    p_source, 1, v_at, v_now, v_now + c_valid_for, v_now, true)
  returning id into v_id;
  perform drip._notify_wake(array[v_device]);
  return query
    select
      v_id, v_lead.id, v_device, d.name, x.variant, x.message_type, p.content, p.caption,
      t.media_url, p.template, 'planned', null::text
    from drip._message_texts x
    join drip.user_devices d on d.id = x.device_id
    cross join lateral drip._render_message(
      x.message_type, x.content, x.caption, x.media_url, x.template, x.has_greeting, x.user_id,
      x.language, x.zone, v_now, x.lead_name, x.recipient_phone, x.lead_attributes,
      x.enrollment_attributes, x.message_id) t
    cross join lateral drip._shown_text(
      t.content, t.caption, t.template, x.recipient_phone, drip.can_see_phones()) p
    where x.message_id = v_id;
end
$$;
comment on function drip._send_test(bigint, text, bigint[], text, text, jsonb) is
  'Plans a test of a text to one phone, ahead of all messages that wait for the device.';
