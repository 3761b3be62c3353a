-- The simulator behind simulate and the previews; the caller rolls it back.
create function drip._simulate(
  p_user_id bigint, p_until timestamptz, p_outcome text, p_most integer,
  p_patience interval default interval '1 minute')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_looks constant integer := 20000;
  v_first constant bigint := (select coalesce(max(m.id), 0) from drip.broadcast_messages m);
  v_zone constant text := (select u.time_zone from drip.users u where u.id = p_user_id);
  -- rows written here stay until the end: each claim reads past all of them
  v_deadline constant timestamptz := drip._wall_clock() + p_patience;
  v_at timestamptz := drip.now();
  v_claimed jsonb;
  v_rows jsonb := '[]';
  v_count integer := 0;
  v_looks integer := 0;
  v_due bigint[];
  v_why text;
begin
  -- messages in flight now end with the same outcome
  perform drip._record_results(coalesce((
    select jsonb_agg(jsonb_build_object(
      'message_id', m.id, 'attempt', m.attempts, 'outcome', p_outcome))
    from drip.broadcast_messages m
    join drip.user_devices d on d.id = m.device_id
    where d.user_id = p_user_id and m.status = 'processing'), '[]'), false);
  <<time>>
  loop
    perform drip._move_clock(v_at);
    perform drip._run_sweeps(p_user_id, v_deadline);
    perform drip._wake_all(p_user_id, v_at);
    loop
      perform drip._report_progress(v_at);
      v_why := 'too long for one simulation';
      exit time when drip._wall_clock() >= v_deadline;
      v_looks := v_looks + 1;
      v_why := 'too many claims for one simulation';
      exit time when v_looks >= c_looks;
      select jsonb_agg(jsonb_build_object(
        'message_id', c.message_id, 'attempt', c.attempt, 'outcome', p_outcome, 'scope',
        'recipient', 'content', coalesce(c.content, c.caption)) order by c.message_id)
      into v_claimed
      from drip._claim_messages('simulate', 100, p_user_id) c;
      if v_claimed is null then
        -- a claim defers a few heads: the next one sees the messages behind them
        exit when not exists (
          select
          from drip.device_pacing p
          where p.user_id = p_user_id and p.next_look_at <= v_at and p.next_send_at <= v_at);
        continue;
      end if;
      perform drip._record_results(v_claimed, false);
      select v_rows || jsonb_agg(
        jsonb_build_object(
          'at', v_at, 'zone', v_zone, 'kind', 'message',
          'message_id', case when m.id <= v_first then m.id end, 'lead_id', m.lead_id,
          'phone', m.recipient_phone, 'device', d.name, 'source', t.source, 'step', t.step,
          'content', r.content, 'status', m.status, 'reason', m.status_reason)
        order by m.device_id, m.id)
      into v_rows
      from jsonb_to_recordset(v_claimed) as r (message_id bigint, content text)
      join drip.broadcast_messages m on m.id = r.message_id
      left join drip.user_devices d on d.id = m.device_id
      cross join lateral drip._source_of(m) t;
      v_count := v_count + jsonb_array_length(v_claimed);
      v_why := 'the message limit of one simulation';
      exit time when v_count >= p_most;
      perform drip._run_sweeps(p_user_id, v_deadline);
      perform drip._wake_all(p_user_id, v_at);
    end loop;
    perform drip._set_aside_endless_waits(p_user_id, v_at);
    v_at := drip._next_event(p_user_id, v_at);
    v_why := 'p_until';
    exit when v_at is null or v_at > p_until;
  end loop;
  if v_why = 'p_until' then
    v_at := p_until;
    perform drip._move_clock(v_at);
  end if;
  -- due messages only; counting all future ones would read the whole queue
  v_due := array(
    select b.id
    from drip.user_devices d
    cross join lateral (
      select n.id
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select x.id, x.scheduled_at
        from drip.broadcast_messages x
        where x.device_id = d.id and x.status = 'pending'
          and x.priority = class.priority
        order by x.due_at desc
        limit 2000
      ) n
      where n.scheduled_at <= v_at
    ) b
    where d.user_id = p_user_id
    union all
    select x.id
    from drip.broadcast_messages x
    where x.user_id = p_user_id and x.status = 'pending' and x.device_id is null
      and x.scheduled_at <= v_at);
  return v_rows || coalesce((
    select jsonb_agg(
      jsonb_build_object(
        'at', v_at, 'zone', v_zone, 'kind', 'left', 'source', q.source, 'reason', q.reason,
        'messages', q.messages,
        'note', coalesce(drip.reason_sentence(q.reason), 'Its device sends it next.'))
      order by q.messages desc, q.source, q.reason)
    from (
      select t.source, f.reason, count(*) as messages
      from drip._message_facts f
      join drip.broadcast_messages m on m.id = f.message_id
      cross join lateral drip._source_of(m) t
      where f.message_id = any (v_due)
      group by t.source, f.reason
    ) q), '[]') || jsonb_build_object(
      'at', v_at, 'zone', v_zone, 'kind', 'end', 'messages', v_count, 'note', v_why);
end
$$;
comment on function drip._simulate(bigint, timestamptz, text, integer, interval) is
  'Moves the clock from event to event and hands every message over; the rows of simulate as JSON.
   The caller rolls it back.';

-- The claim judges messages without a time of their own again after a minute. In a simulation
-- nobody ends a pause, fixes a device or widens a window, and an earlier step wakes the next one.
create function drip._set_aside_endless_waits(p_user_id bigint, p_at timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  v_ids constant bigint[] := array(
    select m.id
    from drip.user_devices d
    cross join (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    join drip.broadcast_messages m
      on m.device_id = d.id and m.status = 'pending' and m.priority = class.priority
      and m.due_at = p_at + interval '1 minute'
    where d.user_id = p_user_id and m.not_before = m.due_at);
begin
  if v_ids <> '{}' then
    update drip.broadcast_messages m
    set not_before = 'infinity'
    from drip._message_facts f
    where f.message_id = any (v_ids)
      and m.id = f.message_id
      and f.verdict = 'wait'
      and f.until is null;
  end if;
end
$$;
comment on function drip._set_aside_endless_waits(bigint, timestamptz) is
  'Removes messages that a claim at this instant deferred, and that wait for no time, from the queue
   of a simulation.';

create function drip._wake_all(p_user_id bigint, p_at timestamptz) returns void
language sql volatile
as $$
  update drip.device_pacing p
  set next_look_at = p_at
  where p.user_id = p_user_id and p.next_look_at <> p_at
$$;
comment on function drip._wake_all(bigint, timestamptz) is
  'Has the next claim look at every device of a tenant.';

create function drip._source_of(p_message drip.broadcast_messages)
returns table (source text, step integer)
language sql stable
as $$
  select
    case
      when p_message.campaign_id is not null then 'campaign ' || (
        select c.title from drip.campaigns c where c.id = p_message.campaign_id)
      when p_message.sequence_id is not null then 'sequence ' || (
        select s.name from drip.sequences s where s.id = p_message.sequence_id)
      else 'single message'
    end,
    (select st.day_number from drip.sequence_steps st where st.id = p_message.sequence_stepid)
$$;
comment on function drip._source_of(drip.broadcast_messages) is
  'Where a message comes from, as text, and its step.';

-- What tick() does for all tenants, for one and to the end.
create function drip._run_sweeps(p_user_id bigint, p_deadline timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._end_unknown_holds(1000, p_user_id);
  perform drip._expire_messages(1000, p_user_id);
  perform drip._end_lead_pauses(1000, p_user_id);
  perform drip._bind_devices(1000, p_user_id);
  perform drip._move_failed_over(1000, p_user_id);
  loop
    exit when drip._wall_clock() >= p_deadline or coalesce((
      select r.remaining from drip._enroll_matching_leads(1000, p_user_id) r), 0) = 0;
    perform drip._report_progress(drip.now());
  end loop;
  loop
    exit when drip._wall_clock() >= p_deadline or coalesce((
      select r.remaining from drip._sweep_campaigns(1000, p_user_id) r), 0) = 0;
    perform drip._report_progress(drip.now());
  end loop;
  loop
    exit when drip._wall_clock() >= p_deadline or coalesce((
      select r.remaining from drip._expand_campaigns(1000, p_user_id) r), 0) = 0;
    perform drip._report_progress(drip.now());
  end loop;
  perform drip._complete_campaigns(100, p_user_id);
end
$$;
comment on function drip._run_sweeps(bigint, timestamptz) is
  'The sweeps that plan, expire and complete, for one tenant until nothing remains or the
   deadline.';

create function drip._next_event(p_user_id bigint, p_after timestamptz) returns timestamptz
language sql stable
as $$
  select min(q.at)
  from (
    select h.due_at as at
    from drip.user_devices d
    cross join lateral (
      select m.due_at
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select x.due_at
        from drip.broadcast_messages x
        where x.device_id = d.id and x.status = 'pending' and x.priority = class.priority
          and x.due_at > p_after
        order by x.due_at
        limit 1
      ) m
    ) h
    where d.user_id = p_user_id
    union all
    -- a device that waits while a message is due
    select w.at
    from drip.device_pacing p
    join drip.user_devices d on d.id = p.device_id
    join drip._device_evidence e on e.live_device_id = d.id
    cross join lateral (
      values (p.next_send_at), (e.device_free_at),
        (((p_after at time zone (select u.time_zone from drip.users u where u.id = p_user_id))::date
          + 1)::timestamp
         at time zone (select u.time_zone from drip.users u where u.id = p_user_id)),
        (case when d.active_from is not null then drip._window_opens_at(
          p_after, (select u.time_zone from drip.users u where u.id = p_user_id),
          d.active_from, d.active_to, null, false) end)
    ) as w (at)
    where p.user_id = p_user_id and w.at > p_after
      and exists (
        select
        from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
        join drip.broadcast_messages x
          on x.device_id = d.id and x.status = 'pending' and x.priority = class.priority
          and x.due_at <= p_after)
    union all
    select drip._heads_close_at(p_user_id, p_after)
    union all
    select a.blocked_until
    from drip.sender_accounts a
    where a.user_id = p_user_id and a.blocked_until > p_after
    union all
    select l.paused_until
    from drip.leads l
    where l.user_id = p_user_id and l.paused_until > p_after and l.paused_until < 'infinity'
    union all
    select drip._expands_at(c)
    from drip.campaigns c
    where c.user_id = p_user_id and c.status in ('pending', 'triggered')
      and c.expanded_at is null and drip._expands_at(c) > p_after
    union all
    select m.finished_at + drip._exactly(u.unknown_hold)
    from drip.broadcast_messages m
    join drip.users u on u.id = m.user_id
    where m.user_id = p_user_id and m.status = 'unknown' and m.hold_ended_at is null
      and m.finished_at + drip._exactly(u.unknown_hold) > p_after
    union all
    -- expiry frees the next step
    select m.expires_at
    from drip.broadcast_messages m
    where m.user_id = p_user_id and m.status = 'pending' and m.expires_at > p_after
      and m.scheduled_at <= p_after
  ) q
  where q.at > p_after and q.at < 'infinity'
$$;
comment on function drip._next_event(bigint, timestamptz) is
  'The next time after an instant at which something of a tenant may happen by itself.';

-- A worker claims for a device that waits for its cap every few seconds, and defers a head whose
-- hours have ended to the next; a simulation does so at their end.
create function drip._heads_close_at(p_user_id bigint, p_at timestamptz) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  v_heads constant bigint[] := array(
    select h.id
    from drip.device_pacing p
    cross join lateral (
      select c.id
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select m.id
        from drip.broadcast_messages m
        where m.device_id = p.device_id and m.status = 'pending'
          and m.priority = class.priority and m.due_at <= p_at
        order by m.due_at, m.id
        limit 1
      ) c
      order by class.priority
      limit 1
    ) h
    where p.user_id = p_user_id and p.next_send_at <= p_at);
begin
  if v_heads = '{}' then
    return null;
  end if;
  return (
    select min(w.closes)
    from drip._message_evidence f
    cross join lateral drip._window_span(
      p_at, f.zone, f.window_from, f.window_to, f.window_days, f.skip_weekends) w
    where f.message_id = any (v_heads)
      and f.has_window
      and (f.window_from is not null or f.window_days is not null or f.skip_weekends)
      and w.opens <= p_at);
end
$$;
comment on function drip._heads_close_at(bigint, timestamptz) is
  'When the first of a tenant''s due head messages leaves its sending hours.';

-- A backend notices that its client is gone only when it writes to it; a setting for that is read
-- when a statement begins, so setting it inside a function would not help.
create function drip._report_progress(p_at timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_every constant interval := interval '2 seconds';
  v_now constant timestamptz := drip._wall_clock();
  v_told_at constant timestamptz := nullif(current_setting('drip.told_at', true), '');
begin
  if v_told_at > v_now - c_every then
    return;
  end if;
  if v_told_at is not null then
    raise info 'the simulation is at %', p_at;
  end if;
  perform set_config('drip.told_at', v_now::text, true);
end
$$;
comment on function drip._report_progress(timestamptz) is
  'Tells the client of a simulation its progress every two seconds; ends it if the client is gone.';
