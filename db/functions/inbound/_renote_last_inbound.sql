-- An application may have the lead's row locked when a reply arrives; the reply must not wait.
create function drip._renote_last_inbound(p_limit integer, p_user_id bigint default null)
returns bigint
language sql volatile
as $$
  select drip._note_last_inbound(array(
    select i.id
    from drip.inbound_messages i
    join drip.leads l on l.id = i.lead_id
    where i.received_at > drip.now() - interval '1 hour'
      and (p_user_id is null or i.user_id = p_user_id)
      and i.is_reply
      and i.sent_at > coalesce(l.last_inbound_at, '-infinity')
    order by i.received_at
    limit p_limit))
$$;
comment on function drip._renote_last_inbound(integer, bigint) is
  'Updates leads that were locked when their reply was recorded; returns how many.';
