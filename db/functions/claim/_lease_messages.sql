-- Renders messages as of now and leases them, for the claim and its rehearsal (_rehearse_claim), so
-- that both raise the same errors.
create function drip._lease_messages(p_worker text, p_ids bigint[], p_delays numeric[])
returns table (
  message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text,
  endpoint text, instance text, secret_name text, recipient_phone text, message_type text,
  content text, media_url text, caption text, template jsonb, lease_expires_at timestamptz,
  delay_seconds numeric, burst integer)
language plpgsql volatile rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_lease constant interval := interval '90 seconds';
  v_now constant timestamptz := drip.now();
begin
  return query
    update drip.broadcast_messages m
    set status = 'processing',
      status_reason = null,
      attempts = m.attempts + 1,
      worker_id = p_worker,
      lease_expires_at = v_now + c_lease,
      not_before = null,
      deferred_reason = null,
      error_code = null,
      error_message = null,
      recipient_phone = x.recipient_phone,
      recipient_name = x.lead_name,
      message_type = x.message_type,
      variant = x.variant,
      content = t.content,
      caption = t.caption,
      media_url = t.media_url,
      template = t.template
    from unnest(p_ids, p_delays) as a (id, delay_seconds)
    join drip._message_texts x on x.message_id = a.id
    join drip.user_devices d on d.id = x.device_id
    cross join lateral drip._render_message(
      x.message_type, x.content, x.caption, x.media_url, x.template, x.has_greeting, x.user_id,
      x.language, x.zone, v_now, x.lead_name, x.recipient_phone, x.lead_attributes,
      x.enrollment_attributes, x.message_id) t
    where m.id = a.id
    returning
      m.id, m.attempts, m.user_id, m.device_id, d.platform, d.endpoint, d.instance, d.secret_name,
      m.recipient_phone, m.message_type, m.content, m.media_url, m.caption, m.template,
      m.lease_expires_at, a.delay_seconds, d.burst;
end
$$;
comment on function drip._lease_messages(text, bigint[], numeric[]) is
  'Renders these messages and leases them to the worker; returns the data to send them, and the
   delays as passed.';
