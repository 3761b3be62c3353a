-- replied_at of the message, last_inbound_at of the lead. A lead that an application holds is noted
-- by the next tick.
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
      and i.kind not in ('preference', 'number_change')
    group by i.reply_to_message_id
    order by i.reply_to_message_id
  ) q
  where m.id = q.reply_to_message_id and m.status = 'sent';
  perform drip._note_last_inbound(p_ids);
end
$$;
comment on function drip._note_replies(bigint[]) is
  'Marks the messages that these inbound messages answer, and their leads.';

create function drip._note_last_inbound(p_ids bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_leads bigint[];
  v_count bigint;
begin
  v_leads := array(
    select l.id
    from drip.leads l
    where l.id in (
      select i.lead_id
      from drip.inbound_messages i
      where i.id = any (p_ids) and i.kind not in ('preference', 'number_change'))
    order by l.id
    for no key update skip locked);
  update drip.leads l
  set last_inbound_at = q.at
  from (
    select i.lead_id, max(i.sent_at) as at
    from drip.inbound_messages i
    where i.id = any (p_ids) and i.kind not in ('preference', 'number_change')
      and i.lead_id = any (v_leads)
    group by i.lead_id
  ) q
  where l.id = q.lead_id and q.at > coalesce(l.last_inbound_at, '-infinity');
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._note_last_inbound(bigint[]) is
  'Brings last_inbound_at of these messages'' leads up to date, where nobody holds them.';

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
      and i.kind not in ('preference', 'number_change')
      and i.sent_at > coalesce(l.last_inbound_at, '-infinity')
    order by i.received_at
    limit p_limit))
$$;
comment on function drip._renote_last_inbound(integer, bigint) is
  'Notes what could not be noted because an application held the lead; returns how many.';
