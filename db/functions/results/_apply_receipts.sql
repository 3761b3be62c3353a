-- Applies receipts to messages in whatever order they come: sent < failed < delivered < read, and
-- nothing goes back. A receipt whose message is unknown, still with a worker, or locked is parked;
-- _match_receipts takes it up again. It counts only for messages that its sender sent, never for
-- those of another account.
-- The planner settings make sure of nested loops over indexes, as in the claim.
create function drip._apply_receipts(p_receipts jsonb)
returns table (applied bigint, parked bigint)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_material = off
set jit = off
as $$
#variable_conflict use_column
declare
  v_given jsonb;
  v_locked bigint[];
  v_facts jsonb;
  v_results jsonb;
  v_delivered bigint[];
  v_read bigint[];
  v_parked bigint;
begin
  v_given := drip._name_receipts(p_receipts);
  v_locked := array(
    select m.id
    from drip.broadcast_messages m
    where m.id in (
        select (e.value ->> 'message_id')::bigint from jsonb_array_elements(v_given) e)
      and m.status <> 'processing'
    order by m.id
    for no key update skip locked);

  -- one row per message: the times of its statuses; only the last attempt's failure counts
  select jsonb_agg(to_jsonb(q))
  into v_facts
  from (
    select
      f.message_id,
      max(f.attempt) as attempt,
      max(f.provider_message_id) filter (where f.is_last) as provider_message_id,
      min(f.at) filter (where f.kind in ('delivered', 'read', 'played')) as delivered_at,
      min(f.at) filter (where f.kind in ('read', 'played')) as read_at,
      bool_or(f.kind = 'failed' and f.is_last) as is_failed,
      bool_or(f.kind <> 'failed' and f.is_last) as is_accepted,
      max(f.error_code) filter (where f.is_last) as error_code,
      max(f.error_message) filter (where f.is_last) as error_message
    from (
      select
        g.*,
        coalesce(g.attempt = max(g.attempt) over (partition by g.message_id), true) as is_last
      from jsonb_to_recordset(v_given) as g (
        message_id bigint, attempt integer, provider_message_id text, kind text, at timestamptz,
        error_code text, error_message text)
      where g.message_id = any (v_locked)
    ) f
    group by f.message_id
  ) q;

  -- proof of arrival settles every unsent message; "sent" settles only an unknown one
  select jsonb_agg(jsonb_build_object(
    'message_id', q.message_id, 'attempt', q.attempt, 'outcome', 'accepted',
    'provider_message_id', q.provider_message_id))
  into v_results
  from (
    select f.message_id, coalesce(f.attempt, m.attempts) as attempt, f.provider_message_id
    from jsonb_to_recordset(v_facts) as f (
      message_id bigint, attempt integer, provider_message_id text, delivered_at timestamptz,
      is_accepted boolean)
    join drip.broadcast_messages m on m.id = f.message_id
    join drip.message_attempts a
      on a.message_id = m.id and a.attempt = coalesce(f.attempt, m.attempts)
    where m.status not in ('sent', 'processing')
      and (f.delivered_at is not null
           or (f.is_accepted and a.outcome in ('unknown', 'lease_expired')))
    order by f.message_id
  ) q;
  if v_results is not null then
    perform drip._record_results(v_results, true);
  end if;

  with moved as (
    update drip.broadcast_messages m
    set delivered_at = least(m.delivered_at, t.delivered_at),
      read_at = least(m.read_at, t.read_at),
      sent_at = least(m.sent_at, t.delivered_at)
    from jsonb_to_recordset(v_facts) as f (
      message_id bigint, attempt integer, delivered_at timestamptz, read_at timestamptz)
    join drip.broadcast_messages o on o.id = f.message_id
    left join drip.message_attempts a
      on a.message_id = o.id and a.attempt = coalesce(f.attempt, o.attempts)
    cross join lateral (
      -- no message arrives before its claim, whatever the provider's clock says
      select
        case when f.delivered_at is not null
          then greatest(f.delivered_at, coalesce(a.claimed_at, o.created_at)) end as delivered_at,
        case when f.read_at is not null
          then greatest(f.read_at, coalesce(a.claimed_at, o.created_at)) end as read_at
    ) t
    where m.id = f.message_id
      and m.status = 'sent'
      and (t.delivered_at < coalesce(m.delivered_at, 'infinity')
           or t.read_at < coalesce(m.read_at, 'infinity'))
    returning
      m.id,
      o.delivered_at is null as is_delivered_now,
      o.read_at is null and m.read_at is not null as is_read_now
  )
  select
    array_agg(m.id order by m.id) filter (where m.is_delivered_now),
    array_agg(m.id order by m.id) filter (where m.is_read_now)
  into v_delivered, v_read
  from moved m;
  perform drip._emit_messages('message.delivered', v_delivered);
  perform drip._emit_messages('message.read', v_read);
  if v_delivered is not null or v_read is not null then
    perform drip._note_receipts(v_delivered || v_read);
  end if;

  -- the provider reports a failure after it had accepted the message
  select jsonb_agg(jsonb_build_object(
    'message_id', q.message_id, 'attempt', q.attempt, 'outcome', 'permanent',
    'scope', 'recipient', 'error_code', q.error_code, 'error_message', q.error_message))
  into v_results
  from (
    select
      f.message_id, coalesce(f.attempt, m.attempts) as attempt, f.error_code, f.error_message
    from jsonb_to_recordset(v_facts) as f (
      message_id bigint, attempt integer, is_failed boolean, error_code text, error_message text)
    join drip.broadcast_messages m on m.id = f.message_id
    where f.is_failed
      and m.status in ('sent', 'unknown')
      and m.attempts = coalesce(f.attempt, m.attempts)
      and m.delivered_at is null
      and m.read_at is null
    order by f.message_id
  ) q;
  if v_results is not null then
    perform drip._record_results(v_results, true);
  end if;

  perform drip._learn_from_receipts(v_given);
  v_parked := drip._park_receipts(v_given, v_locked);

  return query
    select coalesce(jsonb_array_length(v_facts), 0)::bigint, v_parked;
end
$$;
comment on function drip._apply_receipts(jsonb) is
  'Applies receipts [{user_id, device_id, platform, provider_message_id, kind, occurred_at,
   recipient, aliases, message_ref, attempt_ref, error_code, error_message}]; applied counts
   messages.';

-- Notes that a device gets receipts at all, so that views can tell a silent device from a message
-- that never arrived. At most one write per device and hour; a row locked by another batch is left.
create function drip._note_receipts(p_messages bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
begin
  v_devices := array(
    select distinct m.device_id
    from drip.broadcast_messages m
    where m.id = any (p_messages)
      and m.device_id is not null
      and not exists (
        select
        from drip.device_receipts r
        where r.device_id = m.device_id
          and r.last_receipt_at > v_now - interval '1 hour')
    order by m.device_id);
  if cardinality(v_devices) = 0 then
    return;
  end if;
  with free as (
    select r.device_id
    from drip.device_receipts r
    where r.device_id = any (v_devices)
    order by r.device_id
    for no key update skip locked
  )
  update drip.device_receipts r
  set last_receipt_at = v_now
  from free f
  where r.device_id = f.device_id;
  insert into drip.device_receipts as r (device_id, user_id, last_receipt_at)
  select d.id, d.user_id, v_now
  from drip.user_devices d
  where d.id = any (v_devices)
    and not exists (select from drip.device_receipts o where o.device_id = d.id)
  order by d.id
  on conflict (device_id) do nothing;
end
$$;
comment on function drip._note_receipts(bigint[]) is
  'Notes for the devices of these messages that a receipt has come.';

-- A receipt names its message by our reference or by the provider's id. It counts only for messages
-- that its sender sent, never for those of another account.
create function drip._name_receipts(p_receipts jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  return (
    select jsonb_agg(to_jsonb(r) || jsonb_build_object(
      'message_id', coalesce(own.id, named.id),
      'attempt', case when own.id is not null then r.attempt_ref else named.attempt end,
      'at', least(coalesce(r.occurred_at, v_now), v_now),
      'received_at', coalesce(r.received_at, v_now)))
    from jsonb_to_recordset(p_receipts) as r (
      user_id bigint, device_id bigint, platform text, provider_message_id text, kind text,
      occurred_at timestamptz, received_at timestamptz, recipient text, aliases text[],
      message_ref bigint, attempt_ref integer, error_code text, error_message text)
    left join lateral (
      select m.id
      from drip.broadcast_messages m
      left join drip.message_attempts a on a.message_id = m.id and a.attempt = r.attempt_ref
      where m.id = r.message_ref
        and m.user_id = r.user_id
        and m.attempts >= r.attempt_ref
        and m.status <> 'processing'
        and (coalesce(a.device_id, m.device_id) = r.device_id
             or drip._is_one_sender(r.device_id, coalesce(a.device_id, m.device_id)))
    ) own on true
    left join lateral (
      select m.id, a.attempt
      from drip.broadcast_messages m
      left join lateral (
        select k.attempt, k.device_id
        from drip.message_attempts k
        where k.message_id = m.id and k.provider_message_id = r.provider_message_id
        order by k.attempt desc
        limit 1
      ) a on true
      where m.provider_message_id = r.provider_message_id
        and m.user_id = r.user_id
        and m.status <> 'processing'
        and (coalesce(a.device_id, m.device_id) = r.device_id
             or drip._is_one_sender(r.device_id, coalesce(a.device_id, m.device_id)))
      order by m.id
      limit 1
    ) named on own.id is null);
end
$$;
comment on function drip._name_receipts(jsonb) is
  'The receipts with message_id (null: unknown, or still with a worker), attempt and instants.';

-- A receipt of ours names the contact, and often tells its other ids.
create function drip._learn_from_receipts(p_given jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._learn_aliases(jsonb_agg(jsonb_build_object(
    'user_id', f.user_id, 'platform', f.platform, 'contact', f.recipient,
    'contact_aliases', f.aliases, 'lead_id', m.lead_id, 'phone', m.recipient_phone)))
  from jsonb_to_recordset(p_given) as f (
    user_id bigint, platform text, recipient text, aliases text[], message_id bigint)
  join drip.broadcast_messages m on m.id = f.message_id
  where cardinality(f.aliases) > 0 or '+' || f.recipient <> m.recipient_phone
  having count(*) > 0;
end
$$;
comment on function drip._learn_from_receipts(jsonb) is
  'Learns under which ids providers know the leads of these receipts.';
