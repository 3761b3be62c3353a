-- Waiting events name the person too. They stay as events, without personal data.
create function drip._scrub_events(p_user bigint, p_lead bigint, p_nobody text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from drip.subscriptions s where s.user_id = p_user) then
    return;
  end if;
  update drip.waiting_events w
  set message = jsonb_set(
    w.message, '{data}',
    (w.message -> 'data')
      || jsonb_build_object('phone', p_nobody)
      || (
        select coalesce(jsonb_object_agg(d.key, null::text), '{}')
        from jsonb_object_keys(w.message -> 'data') as d (key)
        where d.key in (
          'external_id', 'idempotency_key', 'sender_name', 'text', 'payload', 'reason',
          'error_message')))
  where w.message ->> 'user_id' = p_user::text
    and w.message #>> '{data,lead_id}' = p_lead::text;
end
$$;
comment on function drip._scrub_events(bigint, bigint, text) is
  'Removes a person from the waiting events of a lead: phone, own ids and texts.';
