-- One message through the same queue, ahead of campaigns; the key makes repeats harmless.
create function drip.send_message(
  p_phone text,
  p_content text default null,
  p_category text default 'utility',
  p_message_type text default 'text',
  p_media_url text default null,
  p_caption text default null,
  p_template jsonb default null,
  p_device text default null,
  p_at timestamptz default null,
  p_name text default null,
  p_valid_for interval default null,
  p_idempotency_key text default null)
returns table (
  message_id bigint, lead_id bigint, outcome text, reason text, scheduled_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_user bigint := drip._tenant();
  v_lead record;
  v_device bigint;
  v_at timestamptz := coalesce(p_at, v_now);
  v_id bigint;
  v_source constant jsonb := jsonb_strip_nulls(jsonb_build_object(
    'content', p_content, 'caption', p_caption, 'media_url', p_media_url,
    'template', p_template));
begin
  perform drip._require_role('drip_app');
  if p_category is null or p_category not in ('utility', 'marketing') then
    perform drip._fail(
      'DR001', pg_catalog.format('%L is not a category', p_category),
      'Use utility or marketing.');
  end if;
  perform drip._check_message(
    p_message_type, p_content, p_caption, p_media_url, p_template, 'p_', 'content');
  perform drip._check_plan_time(p_at, 'p_at');
  perform drip._check_length(p_name, 'name', 'p_name');
  perform drip._check_key(p_idempotency_key, 'p_idempotency_key');
  if p_valid_for <= interval '0' or p_valid_for > interval '100 years' then
    perform drip._fail(
      'DR001', 'p_valid_for is not positive or above 100 years',
      'Pass an interval such as ''2 hours''.');
  end if;

  if p_idempotency_key is not null then
    return query
      select r.* from drip._repeated_message(
        v_user, p_idempotency_key, p_phone, p_category, p_message_type, v_source) r;
    if found then
      return;
    end if;
  end if;
  if p_device is not null then
    select d.id into v_device from drip._find_device(p_device, v_user) d;
  end if;

  select g.lead_id, g.phone, g.problem
  into v_lead
  from drip._get_or_create_leads(v_user, array[p_phone], array[p_name]) g;
  if v_lead.problem is not null then
    perform drip._fail(
      'DR002', pg_catalog.format('%L is not a phone: %s', p_phone, v_lead.problem),
      'Write it as +60123456789, or set the tenant''s default_region.');
  end if;
  perform drip._check_fits(
    v_user, case when v_device is not null then array[v_device] end, p_message_type, p_content,
    p_caption, 'p_', 'content');
  perform drip._check_texts(
    v_user, array_agg(t.path), array_agg(t.text), true, v_lead.lead_id)
  from drip._list_texts(
    p_content, p_caption, p_media_url, p_template, 'p_', 'content') t;
  if drip._is_stopped(v_user, v_lead.phone, p_category) then
    return query
      select null::bigint, v_lead.lead_id, 'suppressed', 'the contact has opted out',
        null::timestamptz;
    return;
  end if;

  insert into drip.broadcast_messages (
    user_id, device_id, lead_id, recipient_phone, recipient_name, category, message_type, source,
    idempotency_key, priority, scheduled_at, planned_at, expires_at, created_at)
  select
    v_user,
    coalesce(v_device, l.device_id, drip._pool_device(v_user, l.id)),
    l.id, l.phone, l.name, p_category, p_message_type,
    v_source,
    p_idempotency_key, 1, v_at, v_at, v_at + drip._exactly(p_valid_for), v_now
  from drip.leads l
  where l.id = v_lead.lead_id
  on conflict (user_id, idempotency_key) where idempotency_key is not null do nothing
  returning id, device_id into v_id, v_device;
  if v_id is null then
    return query
      select r.* from drip._repeated_message(
        v_user, p_idempotency_key, p_phone, p_category, p_message_type, v_source) r;
    return;
  end if;
  if v_at <= v_now + interval '15 seconds' and v_device is not null then
    perform drip._notify_wake(array[v_device]);
  end if;
  return query select v_id, v_lead.lead_id, 'planned', null::text, v_at;
end
$$;
comment on function drip.send_message(
  text, text, text, text, text, text, jsonb, text, timestamptz, text, interval, text) is
  'Plans one message to a phone. Outcomes: planned, already_sent (the same request with the same
   idempotency key; reason erased: its lead has been erased since, and nothing is sent again),
   suppressed. DR022 when the key stands for another message.';
grant execute on function drip.send_message(
  text, text, text, text, text, text, jsonb, text, timestamptz, text, interval, text) to drip_app;
