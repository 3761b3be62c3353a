-- The one message that may go to a contact who has opted out: it confirms the opt-out. Once for
-- each opt-out of this reply, also where it was recorded while an application had locked the lead.
create function drip._confirm_opt_out(
  p_inbound_id bigint, p_lead_id bigint, p_device_id bigint)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  insert into drip.broadcast_messages (
    user_id, device_id, lead_id, recipient_phone, recipient_name, category, message_type, source,
    idempotency_key, priority, scheduled_at, planned_at, expires_at, created_at)
  select
    l.user_id, p_device_id, l.id, l.phone, l.name, 'utility', 'text',
    jsonb_build_object('content', u.opt_out_confirmation, 'confirms_opt_out', p_inbound_id),
    'opt-out:' || s.id, 1, v_now, v_now, v_now + interval '1 day', v_now
  from drip.leads l
  join drip.users u on u.id = l.user_id
  join drip.inbound_messages i on i.id = p_inbound_id
  join drip.suppressions s
    on s.user_id = l.user_id
    and s.phone_key = l.phone_key
    and s.category = i.opt_out_category
    and s.source = 'reply'
    -- the clock stands still during a tick
    and s.created_at >= i.received_at - interval '1 minute'
  where l.id = p_lead_id and btrim(u.opt_out_confirmation) <> ''
  on conflict (user_id, idempotency_key) where idempotency_key is not null do nothing;
  if found then
    perform drip._notify_wake(array[p_device_id]);
  end if;
end
$$;
comment on function drip._confirm_opt_out(bigint, bigint, bigint) is
  'Plans the tenant''s opt_out_confirmation, if it has one.';
