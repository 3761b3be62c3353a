-- Parked receipts find their message as soon as its result is recorded.
create function drip._match_receipts(p_messages bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_ids bigint[];
begin
  v_ids := array(
    select r.id
    from drip.broadcast_messages m
    join drip.receipts r
      on r.provider_message_id = m.provider_message_id and r.user_id = m.user_id
    where m.id = any (p_messages)
    union
    select r.id
    from unnest(p_messages) as m (id)
    join drip.receipts r on r.message_ref = m.id);
  return drip._take_up_receipts(v_ids);
end
$$;
comment on function drip._match_receipts(bigint[]) is
  'Applies the parked receipts of these messages; returns how many receipts it took up.';

create function drip._take_up_receipts(p_ids bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_receipts jsonb;
begin
  with taken as (
    delete from drip.receipts r
    where r.id in (
      select k.id
      from drip.receipts k
      where k.id = any (p_ids)
      order by k.id
      for update skip locked)
    returning
      r.user_id, r.device_id, r.platform, r.provider_message_id, r.kind, r.occurred_at,
      r.received_at, r.recipient, r.message_ref, r.attempt_ref, r.error_code, r.error_message
  )
  select jsonb_agg(to_jsonb(t)) into v_receipts from taken t;
  if v_receipts is null then
    return 0;
  end if;
  perform drip._apply_receipts(v_receipts);
  return jsonb_array_length(v_receipts);
end
$$;
comment on function drip._take_up_receipts(bigint[]) is
  'Takes parked receipts out and applies them; those without a message are parked anew.';

-- A receipt and the record of its message may be written side by side, each before it sees the
-- other: parked receipts are tried again while they are young, counted from the last run, so that a
-- worker's pause loses none. Old ones belong to messages that others wrote. What its sender may not
-- say is passed over: taken up and parked again, a thousand of them would keep others' from their
-- turn.
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
  'Matches receipts parked since ten minutes before the last run, forgets those older than 14 days;
   returns how many it took up.';
