-- What contacts write: stop words and the provider's own opt-outs first, then replies. A repeated
-- webhook finds its row in inbound_messages and changes nothing.
create function drip._process_replies(p_facts jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_heard jsonb;
  v_new bigint[];
begin
  select jsonb_agg(to_jsonb(h)) into v_heard from drip._heard(p_facts) h;
  with written as (
    insert into drip.inbound_messages as i (
      user_id, device_id, lead_id, provider_message_id, sender, sender_alias, sender_name, body,
      payload, media_id, media_type, kind, is_reply, is_auto, opt_out_category,
      reply_to_message_id, sent_at, received_at, processed_at)
    select
      h.user_id, h.device_id, h.lead_id, h.provider_message_id,
      coalesce(h.phone, h.contact_aliases[1], 'unknown'), h.contact_aliases[1],
      left(h.contact_name, 200), left(h.body, 10000), left(h.payload, 10000),
      left(h.media_id, 2000), left(h.media_type, 200), h.message_type, h.is_reply, h.is_auto,
      h.category, h.reply_to_message_id, h.at, h.received_at, v_now
    from jsonb_to_recordset(v_heard) as h (
      user_id bigint, device_id bigint, received_at timestamptz, provider_message_id text,
      contact_aliases text[], contact_name text, at timestamptz, message_type text, body text,
      payload text, media_id text, media_type text, lead_id bigint, phone text, category text,
      reply_to_message_id bigint, is_reply boolean, is_auto boolean)
    order by h.user_id, h.at, h.provider_message_id
    on conflict (user_id, device_id, provider_message_id) do nothing
    returning i.id
  )
  select array_agg(w.id order by w.id) into v_new from written w;

  if v_new is not null then
    perform drip._apply_requests(v_new, v_heard);
    perform drip._learn_ids(v_heard);
    perform drip._note_replies(v_new);
    perform drip._end_replied_journeys(v_new);
    perform drip._emit_replies(array(
      select i.id
      from drip.inbound_messages i
      where i.id = any (v_new) and (i.is_reply or i.is_auto)
      order by i.id));
  end if;
  return coalesce(cardinality(v_new), 0) + drip._settle_own_messages(p_facts);
end
$$;
comment on function drip._process_replies(jsonb) is
  'Stores what contacts wrote and applies it: opt-outs, changed numbers, ended journeys,
   replied_at, aliases, events. Returns how many were new.';

-- Ids of leads become aliases. A sender who is no lead may tell its number, or get another id.
create function drip._learn_ids(p_heard jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._learn_aliases(
    jsonb_agg(
      case when h.message_type = 'id_change'
        then jsonb_set(to_jsonb(h), '{contact_aliases}', to_jsonb(h.contact_aliases || h.body))
        else to_jsonb(h)
      end))
  from jsonb_to_recordset(p_heard) as h (
    user_id bigint, platform text, contact text, contact_aliases text[], message_type text,
    body text, lead_id bigint, phone text)
  where h.lead_id is not null
  having count(*) > 0;

  perform drip._match_senders(jsonb_agg(jsonb_build_object(
    'user_id', h.user_id, 'platform', h.platform, 'contact_aliases', h.contact_aliases,
    'phone', q.phone)))
  from jsonb_to_recordset(p_heard) as h (
    user_id bigint, platform text, contact_aliases text[], message_type text, body text,
    lead_id bigint, phone text)
  cross join lateral (
    select case when h.message_type = 'number_change' then '+' || drip._wa_phone(h.body)
      else h.phone end as phone
  ) q
  where h.lead_id is null and q.phone is not null and cardinality(h.contact_aliases) > 0
  having count(*) > 0;

  update drip.inbound_messages i
  set sender = h.body, sender_alias = h.body
  from jsonb_to_recordset(p_heard) as h (
    user_id bigint, device_id bigint, message_type text, contact_aliases text[], body text,
    lead_id bigint)
  where h.message_type = 'id_change' and h.lead_id is null
    and i.user_id = h.user_id and i.sender_alias = any (h.contact_aliases)
    and i.lead_id is null and i.sender not like '+%';
end
$$;
comment on function drip._learn_ids(jsonb) is
  'Learns aliases from what _heard gives, and matches what the same senders wrote before.';

-- Each request of a contact or its provider, in the order in which it came.
create function drip._apply_requests(p_ids bigint[], p_heard jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row record;
begin
  for v_row in
    select i.id, i.user_id, i.device_id, i.sender, i.kind, i.body, i.opt_out_category, h.contact
    from drip.inbound_messages i
    join jsonb_to_recordset(p_heard) as h (
      user_id bigint, device_id bigint, provider_message_id text, contact text)
      on h.user_id = i.user_id and h.device_id = i.device_id
        and h.provider_message_id = i.provider_message_id
    where i.id = any (p_ids)
      and i.sender like '+%'
      and (i.opt_out_category is not null or i.kind in ('preference', 'number_change'))
    order by i.user_id, i.sender, i.id
  loop
    perform drip._apply_request(
      v_row.id, v_row.user_id, v_row.device_id, v_row.sender, v_row.kind, v_row.body,
      v_row.opt_out_category);
    -- a lead that another number quotes: both are asked to be left alone
    if v_row.opt_out_category is not null
      and drip._phone_key('+' || v_row.contact) <> drip._phone_key(v_row.sender)
    then
      perform drip._apply_request(
        v_row.id, v_row.user_id, v_row.device_id, '+' || v_row.contact, v_row.kind, v_row.body,
        v_row.opt_out_category);
    end if;
  end loop;
end
$$;
comment on function drip._apply_requests(bigint[], jsonb) is
  'Applies opt-outs, preferences and number changes among these rows of inbound_messages; p_heard
   are their facts.';

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
    where s.user_id = p_user_id and s.phone_key = drip._phone_key(p_phone)
      and s.category = 'marketing' and s.source = 'provider';
  else
    select o.lead_id
    into v_lead
    from drip._opt_out(
      p_user_id, p_phone, p_category, drip._request_reason(p_kind, p_body),
      drip._request_source(p_kind)) o;
    if p_kind <> 'preference' and v_lead is not null then
      perform drip._confirm_opt_out(p_inbound_id, v_lead, p_device_id);
    end if;
  end if;
end
$$;
comment on function drip._apply_request(bigint, bigint, bigint, text, text, text, text) is
  'Applies what a contact or its provider asks for: opt-out, opt-in, or a new number.';

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
  where s.user_id = p_user_id and s.phone_key = drip._phone_key(p_phone)
  group by s.source;
  select l.* into v_lead from drip._lead_of_phone(p_user_id, p_phone) l;
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
  if not exists (
    select from drip._lead_of_phone(p_user_id, v_new) k where k.id <> v_lead.id)
  then
    perform drip._change_phone(v_lead, v_new);
  end if;
end
$$;
comment on function drip._follow_number(bigint, text, text) is
  'Moves a lead to the new number that its provider announced.';
