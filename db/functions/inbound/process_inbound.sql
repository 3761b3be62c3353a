-- Processes the queue drip_inbound in chunks. The webhooks of a failed batch are retried one by
-- one; a body that fails five times becomes a dead letter with its error, so that nothing waits
-- behind it. Waiting for a locked row ends after two seconds and does not count as a failure.
create function drip.process_inbound(p_limit integer default 500)
returns table (read bigint, applied bigint, parked bigint, dead bigint, remaining bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
set lock_timeout = '2s'
set jit = off
as $$
#variable_conflict use_column
declare
  c_tries constant integer := 5;
  c_patience constant interval := interval '8 seconds';
  -- Bytes of bodies in one call. A megabyte of receipts takes seconds; a call that runs into its
  -- caller's time-out does nothing, and the same bodies would stay at the queue's head for ever.
  c_most constant bigint := 262144;
  v_limit integer := least(greatest(coalesce(p_limit, 500), 1), 10000);
  v_size bigint;
  v_bytes bigint := 0;
  v_count integer := 0;
  v_batch jsonb;
  v_one jsonb;
  v_until timestamptz;
  v_result record;
  v_problems jsonb := '[]';
  v_done bigint[] := '{}';
  v_applied bigint := 0;
  v_parked bigint := 0;
  v_dead bigint := 0;
begin
  perform drip._require_role('drip_worker');
  -- a cursor, so that only bodies that this call reads are unpacked
  for v_size in
    select octet_length(k.message ->> 'body')
    from pgmq.q_drip_inbound k
    where k.vt <= drip._wall_clock()
    order by k.msg_id
    limit v_limit
  loop
    v_bytes := v_bytes + v_size;
    exit when v_bytes > c_most and v_count > 0;
    v_count := v_count + 1;
  end loop;
  v_limit := greatest(v_count, 1);
  select jsonb_agg(
    q.message || jsonb_build_object('place', q.msg_id, 'tries', q.read_ct) order by q.msg_id)
  into v_batch
  from pgmq.read('drip_inbound', 60, v_limit) q;
  if v_batch is null then
    return query select 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint;
    return;
  end if;

  begin
    select r.* into v_result from drip._process_webhooks(v_batch) r;
    v_applied := v_result.applied;
    v_parked := v_result.parked;
    v_problems := coalesce(v_result.problems, '[]');
    v_done := array(
      select (e.value ->> 'place')::bigint from jsonb_array_elements(v_batch) e);
  exception when others then
    v_until := drip._wall_clock() + c_patience;
    for v_one in select e.value from jsonb_array_elements(v_batch) e loop
      -- many waits for locks must not exceed the caller's time-out, which would undo all of them
      if drip._wall_clock() > v_until then
        perform drip._note_stops(v_one);
        perform pgmq.set_vt('drip_inbound', (v_one ->> 'place')::bigint, 1);
        continue;
      end if;
      begin
        select r.* into v_result from drip._process_webhooks(jsonb_build_array(v_one)) r;
        v_applied := v_applied + v_result.applied;
        v_parked := v_parked + v_result.parked;
        v_problems := v_problems || coalesce(v_result.problems, '[]');
        v_done := v_done || (v_one ->> 'place')::bigint;
      exception when others then
        if sqlstate in ('55P03', '40P01', '40001') then
          -- one long wait is enough: fail fast on the next locks
          perform pg_catalog.set_config('lock_timeout', '50ms', true);
          perform drip._note_stops(v_one);
          perform pgmq.set_vt('drip_inbound', (v_one ->> 'place')::bigint, 5);
        elsif (v_one ->> 'tries')::integer < c_tries then
          perform pgmq.set_vt(
            'drip_inbound', (v_one ->> 'place')::bigint,
            least(2 ^ (v_one ->> 'tries')::integer, 300)::integer);
        else
          v_problems := v_problems || jsonb_build_object(
            'place', v_one -> 'place', 'error', sqlstate || ': ' || sqlerrm);
          v_done := v_done || (v_one ->> 'place')::bigint;
        end if;
      end;
    end loop;
  end;

  if v_problems <> '[]' then
    insert into drip.dead_letters (
      user_id, kind, subject_id, received_at, body, error, tries, died_at)
    select
      coalesce(d.user_id, a.user_id), w.kind, w.id, w.received_at, w.body, left(p.error, 1000),
      w.tries, drip.now()
    from jsonb_to_recordset(v_problems) as p (place bigint, error text)
    join jsonb_to_recordset(v_batch) as w (
      place bigint, kind text, id bigint, received_at timestamptz, body text, tries integer)
      on w.place = p.place
    left join drip.user_devices d on w.kind = 'device' and d.id = w.id
    left join drip.sender_accounts a on w.kind = 'account' and a.id = w.id
    order by w.place;
    get diagnostics v_dead = row_count;
  end if;
  perform pgmq.archive('drip_inbound', v_done);
  return query
    select
      jsonb_array_length(v_batch)::bigint, v_applied, v_parked, v_dead,
      (select count(*)
       from (
         select from pgmq.q_drip_inbound w where w.vt <= drip._wall_clock() limit 10000
       ) q);
end
$$;
comment on function drip.process_inbound(integer) is
  'Processes at most p_limit webhooks of the queue drip_inbound: how many it read and applied
   (messages changed, inbound messages stored), receipts parked, new dead letters, and how many
   webhooks wait (counted to 10,000).';
grant execute on function drip.process_inbound(integer) to drip_worker;

-- A webhook that waits for a lock must not let a message leave meanwhile: the claim looks at
-- suppressions, so they are written at once.
create function drip._note_stops(p_webhook jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
  select
    h.user_id, q.phone, h.category, drip._request_reason(h.message_type, h.body),
    drip._request_source(h.message_type), drip.now()
  from (
    select jsonb_agg(to_jsonb(f)) as facts
    from drip._webhook_facts(jsonb_build_array(p_webhook)) f
  ) g
  cross join lateral drip._heard(g.facts) h
  cross join lateral (
    select h.phone
    union
    select '+' || h.contact
  ) q
  where h.category is not null
    and q.phone ~ e'^\\+[1-9][0-9]{6,14}$'
    and not exists (
      select
      from drip.inbound_messages i
      where i.user_id = h.user_id
        and i.device_id = h.device_id
        and i.provider_message_id = h.provider_message_id)
  on conflict (user_id, phone, category) do nothing;
exception when others then
  null; -- another session opts the same phone out, or the body cannot be read: retried in its turn
end
$$;
comment on function drip._note_stops(jsonb) is
  'Suppresses contacts who say a stop word in this webhook; the rest follows once it is unlocked.';
