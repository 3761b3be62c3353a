-- What contacts write: stop words and the provider's own opt-outs first, then replies. A repeated
-- webhook finds its row in inbound_messages and changes nothing.
create function drip._process_replies(p_facts jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_new bigint[];
  v_ended bigint[];
  v_row record;
begin
  with said as (
    select distinct on (f.user_id, f.device_id, f.provider_message_id)
      f.*,
      l.id as lead_id,
      coalesce(l.phone, '+' || f.contact) as phone,
      coalesce(l.language, u.language) as language
    from jsonb_to_recordset(p_facts) as f (
      user_id bigint, platform text, device_id bigint, received_at timestamptz, kind text,
      state text, provider_message_id text, contact text, contact_alias text, contact_name text,
      at timestamptz, message_type text, body text, payload text, context_id text, problem text)
    join drip.users u on u.id = f.user_id
    left join lateral drip._find_contact(f.user_id, f.platform, f.contact, f.contact_alias) l
      on true
    where f.kind in ('message', 'preference', 'number_change') and f.problem is null
    order by f.user_id, f.device_id, f.provider_message_id, f.at
  ),
  written as (
    insert into drip.inbound_messages as i (
      user_id, device_id, lead_id, provider_message_id, sender, sender_alias, sender_name, body,
      payload, kind, opt_out_category, reply_to_message_id, sent_at, received_at, processed_at)
    select
      s.user_id, s.device_id, s.lead_id, s.provider_message_id,
      coalesce(s.phone, s.contact_alias, 'unknown'), s.contact_alias, left(s.contact_name, 200),
      left(case s.kind when 'preference' then s.state else s.body end, 10000),
      left(s.payload, 1000),
      case when s.kind = 'message' then coalesce(s.message_type, 'text') else s.kind end,
      case s.kind
        when 'message' then coalesce(
          drip._stop_category(s.user_id, s.language, s.body),
          drip._stop_category(s.user_id, s.language, s.payload))
        when 'preference' then case s.state when 'stop' then 'marketing' end
      end,
      case when s.kind = 'message' or (s.kind = 'preference' and s.state = 'stop')
        then drip._answered_message(s.user_id, s.lead_id, s.context_id, s.at) end,
      s.at, s.received_at, v_now
    from said s
    order by s.user_id, s.at, s.provider_message_id
    on conflict (user_id, device_id, provider_message_id) do nothing
    returning i.id
  )
  select array_agg(w.id order by w.id) into v_new from written w;

  if v_new is not null then
    for v_row in
      select i.user_id, i.sender, i.kind, i.body, i.opt_out_category, i.id, i.device_id
      from drip.inbound_messages i
      where i.id = any (v_new)
        and i.sender like '+%'
        and (i.opt_out_category is not null or i.kind in ('preference', 'number_change'))
      order by i.user_id, i.sender, i.id
    loop
      perform drip._apply_request(
        v_row.id, v_row.user_id, v_row.device_id, v_row.sender, v_row.kind, v_row.body,
        v_row.opt_out_category);
    end loop;

    insert into drip.lead_aliases as a (user_id, platform, provider_id, lead_id, created_at)
    select distinct on (i.user_id, d.platform, i.sender_alias)
      i.user_id, d.platform, i.sender_alias, i.lead_id, v_now
    from drip.inbound_messages i
    join drip.user_devices d on d.id = i.device_id
    where i.id = any (v_new) and i.lead_id is not null and i.sender_alias is not null
    order by i.user_id, d.platform, i.sender_alias, i.id
    on conflict do nothing;

    perform drip._note_replies(v_new);

    -- a reply ends journeys with stop_on_reply, once they have sent a message
    select array_agg(distinct e.id)
    into v_ended
    from drip.inbound_messages i
    join drip.sequence_contacts e on e.lead_id = i.lead_id
    join drip.sequences s on s.id = e.sequence_id
    where i.id = any (v_new)
      and i.kind not in ('preference', 'number_change')
      and i.opt_out_category is null
      and e.completed_at is null
      and s.stop_on_reply
      and exists (
        select
        from drip.broadcast_messages m
        where m.sequence_contact_id = e.id and m.status in ('processing', 'sent', 'unknown'));
    if v_ended is not null then
      perform drip._exit_enrollments(v_ended, 'lead_replied');
    end if;
    perform drip._emit_replies(array(
      select i.id
      from drip.inbound_messages i
      where i.id = any (v_new) and i.kind not in ('preference', 'number_change')
      order by i.id));
  end if;
  return coalesce(cardinality(v_new), 0) + drip._settle_own_messages(p_facts);
end
$$;
comment on function drip._process_replies(jsonb) is
  'Stores what contacts wrote and applies it: opt-outs, changed numbers, ended journeys,
   replied_at, aliases, events. Returns how many were new.';

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

create function drip._apply_request(
  p_inbound_id bigint, p_user_id bigint, p_device_id bigint, p_phone text, p_kind text,
  p_body text, p_category text)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lead bigint;
begin
  if p_kind = 'number_change' then
    perform drip._follow_number(p_user_id, p_phone, p_body);
  elsif p_kind = 'preference' and p_category is null then
    -- resuming at the provider undoes only what was stopped there, no opt-out by stop word
    delete from drip.suppressions s
    where s.user_id = p_user_id and s.phone = p_phone and s.category = 'marketing'
      and s.source = 'provider';
  else
    select o.lead_id
    into v_lead
    from drip._opt_out(
      p_user_id, p_phone, p_category,
      case p_kind when 'preference' then 'stopped marketing at the provider'
        else 'replied ' || left(p_body, 60) end,
      case p_kind when 'preference' then 'provider' else 'reply' end) o;
    if p_kind <> 'preference' and v_lead is not null then
      perform drip._confirm_opt_out(p_inbound_id, v_lead, p_device_id);
    end if;
  end if;
end
$$;
comment on function drip._apply_request(bigint, bigint, bigint, text, text, text, text) is
  'Applies what a contact or its provider asks for: opt-out, opt-in, or a new number.';

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
    and s.phone = l.phone
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

create function drip._follow_number(p_user_id bigint, p_phone text, p_new text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_new constant text := '+' || regexp_replace(coalesce(p_new, ''), e'\\D', '', 'g');
  v_lead drip.leads;
begin
  if v_new !~ e'^\\+[1-9][0-9]{6,14}$' or v_new = p_phone then
    return;
  end if;
  -- an opt-out also holds for the new number
  perform drip._suppress(
    jsonb_agg(jsonb_build_object(
      'user_id', s.user_id, 'phone', v_new, 'category', s.category, 'reason', s.reason)),
    s.source)
  from drip.suppressions s
  where s.user_id = p_user_id and s.phone = p_phone
  group by s.source;
  select l.* into v_lead from drip.leads l where l.user_id = p_user_id and l.phone = p_phone;
  if v_lead.id is null then
    return;
  end if;
  -- receipts and replies that still name the old number belong to the same person
  insert into drip.lead_aliases (user_id, platform, provider_id, lead_id, created_at)
  select p_user_id, q.platform, substr(p_phone, 2), v_lead.id, drip.now()
  from (
    select distinct d.platform from drip.user_devices d where d.user_id = p_user_id
  ) q
  on conflict do nothing;
  -- two leads of one person stay two: only a person decides to merge them
  if not exists (select from drip.leads k where k.user_id = p_user_id and k.phone = v_new) then
    perform drip._change_phone(v_lead, v_new);
  end if;
end
$$;
comment on function drip._follow_number(bigint, text, text) is
  'Moves a lead to the new number that its provider announced.';
