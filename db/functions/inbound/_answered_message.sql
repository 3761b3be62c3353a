-- A quote says which message is meant; without one it is the last that the contact got.
create function drip._answered_message(
  p_user_id bigint, p_lead_id bigint, p_context_id text, p_at timestamptz)
returns bigint
language sql stable
as $$
  select case when not coalesce(q.is_test, false) then coalesce(
    q.id,
    (select m.id
     from drip.broadcast_messages m
     where m.lead_id = p_lead_id
       and m.status = 'sent'
       and not m.is_test
       and m.sent_at between p_at - interval '72 hours' and p_at + interval '1 minute'
     order by m.sent_at desc, m.id desc
     limit 1))
  end
  from (select) as one
  left join lateral (
    select m.id, m.is_test
    from drip.broadcast_messages m
    where m.provider_message_id = p_context_id and m.user_id = p_user_id
    limit 1
  ) q on true
$$;
comment on function drip._answered_message(bigint, bigint, text, timestamptz) is
  'The quoted message, else the last one sent to the lead in the 72 hours before; never a test
   message.';
