-- Waiting events name the person too. They stay as events, without personal data. The tenant's own
-- queues are searched: through waiting_events, the queues of all others would be read from end to
-- end. So are those that wait for their drop, whosever they were, a hundred of them at most, since
-- each is three locks until commit.
create function drip._scrub_events(p_user bigint, p_lead bigint, p_nobody text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  for v_name in
    (select distinct s.queue_name from drip.subscriptions s where s.user_id = p_user)
    union all
    (select q.queue_name
     from pgmq.meta q
     where q.queue_name ~ e'^drip_(u\\d+|q)_'
       and not exists (select from drip.subscriptions s where s.queue_name = q.queue_name)
       and pg_relation_size(to_regclass(pg_catalog.format('pgmq.%I', 'q_' || q.queue_name))) > 0
     order by q.created_at desc
     limit 100)
    order by queue_name
  loop
    continue when not drip._lock_event_queue(v_name);
    execute pg_catalog.format(
      $update$
      update pgmq.%I w
      set message = jsonb_set(
        w.message, '{data}',
        (w.message -> 'data')
          || jsonb_build_object('phone', $3)
          || (
            select coalesce(jsonb_object_agg(d.key, null::text), '{}')
            from jsonb_object_keys(w.message -> 'data') as d (key)
            where d.key in (
              'external_id', 'idempotency_key', 'sender_name', 'text', 'payload', 'reason',
              'error_message')))
      where w.message ->> 'user_id' = $1 and w.message #>> '{data,lead_id}' = $2
      $update$,
      'q_' || v_name)
    using p_user::text, p_lead::text, p_nobody;
  end loop;
end
$$;
comment on function drip._scrub_events(bigint, bigint, text) is
  'Removes a person from the waiting events of a lead: phone, own ids and texts.';
