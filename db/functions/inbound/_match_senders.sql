-- What an unknown sender wrote belongs to a contact as soon as its id is known: an opt-out takes
-- effect, a reply counts. Waits for no row that an application has locked.
create function drip._match_senders(p_known jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_ids bigint[];
  v_row record;
begin
  with known as (
    select i.id, k.lead_id, k.phone
    from jsonb_to_recordset(p_known) as k (
      user_id bigint, platform text, contact_aliases text[], lead_id bigint, phone text)
    cross join lateral unnest(k.contact_aliases) as o (id)
    join drip.inbound_messages i
      on i.user_id = k.user_id and i.sender_alias = o.id
        and i.lead_id is null and i.sender not like '+%'
    join drip.user_devices d on d.id = i.device_id and d.platform = k.platform
    where k.phone ~ e'^\\+[1-9][0-9]{6,14}$' and not starts_with(k.phone, '+999')
  ),
  matched as (
    update drip.inbound_messages i
    set lead_id = k.lead_id, sender = k.phone, processed_at = v_now,
      reply_to_message_id = case when i.is_reply then coalesce(
        i.reply_to_message_id,
        drip._answered_message(i.user_id, k.lead_id, null, i.sent_at)) end
    from known k
    where i.id = k.id
    returning i.id
  )
  select array_agg(m.id order by m.id) into v_ids from matched m;
  if v_ids is null then
    return 0;
  end if;

  for v_row in
    select
      drip._request_source(i.kind) as source,
      jsonb_agg(jsonb_build_object(
        'user_id', i.user_id, 'phone', i.sender, 'category', i.opt_out_category,
        'reason', drip._request_reason(i.kind, i.body)) order by i.id) as requests
    from drip.inbound_messages i
    where i.id = any (v_ids)
      and i.opt_out_category is not null
      -- taken back at the provider since
      and not (i.kind = 'preference' and exists (
        select
        from drip.inbound_messages o
        where o.id = any (v_ids) and o.sender = i.sender and o.kind = 'preference'
          and o.opt_out_category is null and o.sent_at >= i.sent_at))
    group by drip._request_source(i.kind)
  loop
    perform drip._suppress(v_row.requests, v_row.source);
  end loop;
  perform drip._confirm_opt_out(i.id, i.lead_id, i.device_id)
  from drip.inbound_messages i
  where i.id = any (v_ids)
    and i.lead_id is not null and i.opt_out_category is not null and i.kind <> 'preference'
  order by i.id;
  perform drip._note_replies(v_ids);
  perform drip._end_replied_journeys(v_ids);
  return cardinality(v_ids);
end
$$;
comment on function drip._match_senders(jsonb) is
  'Gives what unknown senders wrote to their contacts [{user_id, platform, contact_aliases, lead_id,
   phone}] and applies it; returns how many messages.';

create or replace function drip._match_new_aliases() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._match_senders(jsonb_agg(jsonb_build_object(
    'user_id', c.user_id, 'platform', c.platform,
    'contact_aliases', jsonb_build_array(c.provider_id), 'lead_id', c.lead_id,
    'phone', l.phone)))
  from changed_rows c
  join drip.leads l on l.id = c.lead_id
  having count(*) > 0;
  return null;
end
$$;
comment on function drip._match_new_aliases() is
  'Trigger: what came from these ids before belongs to their leads.';

create or replace trigger lead_aliases_match
  after insert on drip.lead_aliases
  referencing new table as changed_rows
  for each statement execute function drip._match_new_aliases();
comment on trigger lead_aliases_match on drip.lead_aliases is
  'What unknown senders wrote belongs to the lead once their id is known.';
