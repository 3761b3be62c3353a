-- Removes the personal data and keeps the rows for the counts. An opt-out stays, since deleting it
-- would allow messages again.
create function drip.erase_lead(p_phone text, p_reason text default null)
returns table (lead_id bigint, cancelled integer, scrubbed integer, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_user bigint := drip._tenant();
  v_lead drip.leads := drip._find_lead(v_user, p_phone);
  v_nobody text := '+999' || lpad(v_lead.id::text, 12, '0');
  v_enrollments bigint[];
  v_cancelled integer;
  v_scrubbed integer;
  v_on_its_way integer;
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  -- No country has the code 999, so this number reaches nobody.
  update drip.leads l
  set phone = v_nobody, external_id = null, name = null, niche = null, trigger = null,
    time_zone = null, language = null, attributes = '{}', chained = '{}', paused_until = null,
    pause_reason = null, last_inbound_at = null
  where l.id = v_lead.id;

  select array_agg(e.id order by e.id)
  into v_enrollments
  from drip.sequence_contacts e
  where e.lead_id = v_lead.id;
  select coalesce(sum(x.cancelled), 0)
  into v_cancelled
  from drip._exit_enrollments(v_enrollments, 'erased') x;
  update drip.sequence_contacts e
  set contact_phone = v_nobody, contact_name = null, attributes = '{}'
  where e.lead_id = v_lead.id;

  with locked as (
    select m.id, m.status
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id
    order by m.id
    for no key update
  ),
  scrubbed as (
    update drip.broadcast_messages m
    set status = case when m.status = 'pending' then 'cancelled' else m.status end,
      status_reason = case when m.status = 'pending' then 'erased' else m.status_reason end,
      finished_at = case when m.status = 'pending' then v_now else m.finished_at end,
      not_before = null, deferred_reason = null,
      recipient_phone = v_nobody, recipient_name = null, content = null, caption = null,
      media_url = null, template = null, error_message = null,
      -- a hash stays as it is, so that a repeated erasure still recognizes the key
      idempotency_key = case
        when m.idempotency_key like 'erased:%' then m.idempotency_key
        else drip._erased_key(m.idempotency_key)
      end,
      source = case when m.source is not null then jsonb '{}' end
    from locked k
    where m.id = k.id
    returning k.status
  )
  select
    count(*), v_cancelled + count(*) filter (where s.status = 'pending'),
    count(*) filter (where s.status = 'processing')
  into v_scrubbed, v_cancelled, v_on_its_way
  from scrubbed s;
  -- includes messages of a claim that this has just waited for
  if v_on_its_way > 0 then
    perform drip._fail(
      'DR005', 'a message to this lead is being sent', 'Try again in a minute.');
  end if;
  update drip.message_attempts a
  set error_message = null
  from drip.broadcast_messages m
  where m.lead_id = v_lead.id and a.message_id = m.id and a.error_message is not null;

  update drip.inbound_messages i
  set sender = v_nobody, sender_alias = null, sender_name = null, body = null, payload = null,
    media_id = null
  where i.user_id = v_user and i.lead_id = v_lead.id;
  delete from drip.receipts r
  where r.user_id = v_user and r.recipient = substr(v_lead.phone, 2);
  delete from drip.service_windows w where w.lead_id = v_lead.id;
  delete from drip.lead_aliases a where a.user_id = v_user and a.lead_id = v_lead.id;
  perform drip._scrub_events(v_user, v_lead.id, v_nobody);
  perform drip._audit(v_user, 'erase_lead', 'lead', v_lead.id, p_reason);
  return query select v_lead.id, v_cancelled, v_scrubbed, 'erased'::text;
end
$$;
comment on function drip.erase_lead(text, text) is
  'Erases a person: phone, name, attributes, texts and replies are removed, pending messages are
   cancelled. The rows stay for the counts, an opt-out of the phone stays, and an idempotency key is
   kept as a hash, recognized but unreadable. Outcome: erased.';
grant execute on function drip.erase_lead(text, text) to drip_app;
