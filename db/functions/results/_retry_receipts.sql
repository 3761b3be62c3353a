-- A receipt and the result of its message may be written at the same time, without seeing each
-- other: parked receipts are retried while they are young, counted from the last run, so that a
-- worker's pause loses none. Old ones belong to messages that others sent. Receipts that their
-- sender may not give are skipped: retried and parked again, a thousand of them would delay all
-- others.
create function drip._retry_receipts(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_last constant timestamptz := least(
    drip.now(),
    (select t.last_run_at from drip.task_runs t where t.name = 'match_receipts'));
begin
  delete from drip.receipts r
  where r.id in (
    select k.id
    from drip.receipts k
    where k.received_at < drip.now() - interval '14 days'
    order by k.received_at
    limit p_limit
    for update skip locked);
  v_ids := array(
    select r.id
    from drip.receipts r
    where r.received_at > v_last - interval '10 minutes'
      and (p_user_id is null or r.user_id = p_user_id)
      and (
        exists (
          select
          from drip.broadcast_messages m
          left join lateral (
            select k.device_id
            from drip.message_attempts k
            where k.message_id = m.id and k.provider_message_id = r.provider_message_id
            order by k.attempt desc
            limit 1
          ) a on true
          where m.provider_message_id = r.provider_message_id
            and m.user_id = r.user_id
            and m.status <> 'processing'
            and drip._is_one_sender(r.device_id, coalesce(a.device_id, m.device_id)))
        or exists (
          select
          from drip.broadcast_messages m
          left join drip.message_attempts a
            on a.message_id = m.id and a.attempt = r.attempt_ref
          where m.id = r.message_ref
            and m.user_id = r.user_id
            and m.attempts >= r.attempt_ref
            and m.status <> 'processing'
            and drip._is_one_sender(r.device_id, coalesce(a.device_id, m.device_id))))
    order by r.received_at
    limit p_limit);
  return drip._take_up_receipts(v_ids);
end
$$;
comment on function drip._retry_receipts(integer, bigint) is
  'Matches receipts parked since ten minutes before the last run, deletes those older than 14 days;
   returns how many it matched.';
