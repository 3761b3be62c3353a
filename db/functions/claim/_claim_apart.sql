-- For a claim that raised an error: tenant by tenant, so that a row that cannot be judged or
-- rendered stops no other. Halving finds the row, which fails; where none is found, the tenant's
-- devices are parked for a moment and the others are served. The search takes a few seconds and a
-- few devices at a time: a call that ran into the worker's time-out would have failed nothing, and
-- would end the same way for ever. docs/decisions/poisoned-rows.md.
create function drip._claim_apart(
  p_worker text, p_limit integer, p_user_id bigint, p_guards boolean)
returns table (
  message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text,
  endpoint text, instance text, secret_name text, recipient_phone text, message_type text,
  content text, media_url text, caption text, template jsonb, lease_expires_at timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_tries constant integer := 5;
  c_devices constant integer := 20;
  v_until constant timestamptz := drip._wall_clock() + interval '5 seconds';
  v_now constant timestamptz := drip.now();
  v_left integer := p_limit;
  v_rows integer;
  v_most integer;
  v_user bigint;
  v_error text;
begin
  for v_user in
    select p.user_id
    from drip.device_pacing p
    where p.next_look_at <= v_now and p.next_send_at <= v_now
      and (p_user_id is null or p.user_id = p_user_id)
    group by p.user_id
    order by min(p.next_look_at), p.user_id
  loop
    exit when v_left <= 0;
    for v_try in 1 .. c_tries loop
      begin
        v_most := case when v_try = 1 then v_left else least(v_left, c_devices) end;
        return query select c.* from drip._claim_messages(p_worker, v_most, v_user, p_guards) c;
        get diagnostics v_rows = row_count;
        v_left := v_left - v_rows;
        exit;
      exception when others then
        if not drip._is_data_error(sqlstate) then
          raise;
        end if;
        v_error := format('tenant %s: %s: %s', v_user, sqlstate, sqlerrm);
      end;
      if v_try < c_tries and drip._wall_clock() < v_until then
        continue when v_most > c_devices;
        continue when drip._fail_unrenderable(v_user, v_most, v_until) > 0;
      end if;
      perform drip._note_task_error('claim_messages', v_error);
      update drip.device_pacing p
      set next_look_at = v_now + interval '15 seconds'
      where p.device_id in (
        select k.device_id
        from drip.device_pacing k
        where k.user_id = v_user and k.next_look_at <= v_now
        for no key update skip locked);
      exit;
    end loop;
  end loop;
end
$$;
comment on function drip._claim_apart(text, integer, bigint, boolean) is
  'The claim for each tenant alone: messages that raise errors fail, the others are claimed.';

create function drip._fail_unrenderable(
  p_user_id bigint, p_devices integer, p_until timestamptz)
returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  -- as many of a class as a claim reads
  c_heads constant integer := 50;
  v_now constant timestamptz := drip.now();
  v_heads bigint[];
  v_found record;
  v_failed bigint[] := '{}';
  v_enrollments bigint[];
begin
  v_heads := array(
    select h.id
    from (
      select d.device_id
      from drip.device_pacing d
      where d.user_id = p_user_id and d.next_look_at <= v_now and d.next_send_at <= v_now
      order by d.next_look_at
      limit p_devices
    ) p
    cross join (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    cross join lateral (
      select m.id
      from drip.broadcast_messages m
      where m.device_id = p.device_id and m.status = 'pending' and m.priority = class.priority
        and m.due_at <= v_now
      order by m.due_at, m.id
      limit c_heads
      for no key update skip locked
    ) h
    order by h.id);
  for v_found in
    select f.message_id, f.error from drip._find_unrenderable(v_heads, p_until) f
  loop
    begin
      update drip.broadcast_messages m
      set status = 'failed', status_reason = 'unrenderable', error_code = 'UNRENDERABLE',
        error_message = v_found.error, finished_at = v_now, not_before = null,
        deferred_reason = null
      where m.id = v_found.message_id;
      v_failed := v_failed || v_found.message_id;
    exception when others then
      -- the row breaks a rule of its table: park its tenant's devices
      if not drip._is_data_error(sqlstate) then
        raise;
      end if;
    end;
  end loop;
  if v_failed = '{}' then
    return 0;
  end if;
  v_enrollments := array(
    select distinct m.sequence_contact_id
    from drip.broadcast_messages m
    where m.id = any (v_failed) and m.sequence_contact_id is not null);
  begin
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    insert into drip.sync_backlog (enrollment_id, noted_at)
    select e.id, v_now
    from unnest(v_enrollments) as e (id);
  end;
  perform drip._emit_messages('message.failed', v_failed);
  return cardinality(v_failed);
end
$$;
comment on function drip._fail_unrenderable(bigint, integer, timestamptz) is
  'Fails messages, next on so many devices of a tenant, that cannot be judged or rendered; returns
   how many it found in time.';

create function drip._find_unrenderable(p_ids bigint[], p_until timestamptz)
returns table (message_id bigint, error text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_half constant integer := (cardinality(p_ids) + 1) / 2;
begin
  if cardinality(p_ids) = 0 or drip._wall_clock() > p_until then
    return;
  end if;
  begin
    perform drip._rehearse_claim(p_ids);
  exception
    when sqlstate 'DR999' then
      return;
    when others then
      if not drip._is_data_error(sqlstate) then
        raise;
      end if;
      -- XX: the server's own fault, perhaps not the row's
      if cardinality(p_ids) = 1 and sqlstate not like 'XX%' then
        return query select p_ids[1], left(format('%s: %s', sqlstate, sqlerrm), 300);
        return;
      end if;
  end;
  if cardinality(p_ids) > 1 then
    return query select f.* from drip._find_unrenderable(p_ids[:v_half], p_until) f;
    return query select f.* from drip._find_unrenderable(p_ids[v_half + 1:], p_until) f;
  end if;
end
$$;
comment on function drip._find_unrenderable(bigint[], timestamptz) is
  'The messages among these whose claim raises an error, with the error, as far as the search gets
   until that time; it leaves no changes.';

-- Judges and renders by the same steps as the claim, under the same planner settings.
create function drip._rehearse_claim(p_ids bigint[]) returns void
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
declare
  v_now constant timestamptz := drip.now();
  v_go bigint[];
begin
  select array_agg(q.message_id) filter (where q.verdict = 'go')
  into v_go
  from (
    select f.message_id, f.verdict, f.reason, f.until, f.delay_seconds
    from drip._judged_heads(p_ids) f
    offset 0
  ) q
  -- uses all columns, which the planner would leave out otherwise
  where num_nonnulls(
    q.verdict, q.reason, q.until, v_now + q.delay_seconds * interval '1 second') > 0;
  perform from drip._lease_messages('rehearsal', v_go, null);
  raise exception using errcode = 'DR999';
end
$$;
comment on function drip._rehearse_claim(bigint[]) is
  'Judges and renders these messages and rolls back with DR999; any other error is a row''s.';
