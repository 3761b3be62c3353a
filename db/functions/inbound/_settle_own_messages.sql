-- A gateway also reports messages that its own number sent. One with the text of an unknown message
-- to the same contact, at the time of its attempt, proves that the message was sent.
create function drip._settle_own_messages(p_facts jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_results jsonb;
begin
  select jsonb_agg(jsonb_build_object(
    'message_id', q.id, 'attempt', q.attempts, 'outcome', 'accepted',
    'provider_message_id', q.provider_message_id))
  into v_results
  from (
    select distinct on (f.provider_message_id) m.id, m.attempts, f.provider_message_id
    from jsonb_to_recordset(p_facts) as f (
      user_id bigint, platform text, device_id bigint, kind text, provider_message_id text,
      contact text, contact_aliases text[], at timestamptz, body text, problem text)
    cross join lateral drip._find_contact(
      f.user_id, f.platform, f.contact, f.contact_aliases) l
    join drip.broadcast_messages m on m.lead_id = l.id
    join drip.message_attempts a on a.message_id = m.id and a.attempt = m.attempts
    where f.kind = 'own_message'
      and f.problem is null
      and m.status = 'unknown'
      and m.device_id = f.device_id
      and f.body in (m.content, m.caption)
      and f.at between a.claimed_at - interval '1 minute' and a.claimed_at + interval '10 minutes'
      and not exists (
        select
        from drip.broadcast_messages o
        where o.provider_message_id = f.provider_message_id and o.user_id = f.user_id)
    order by f.provider_message_id, a.claimed_at, m.id
  ) q;
  if v_results is null then
    return 0;
  end if;
  perform drip._record_results(v_results, true);
  return jsonb_array_length(v_results);
end
$$;
comment on function drip._settle_own_messages(jsonb) is
  'Settles unknown messages that the device''s own number is known to have sent; returns how many.';
