-- What the guards of these messages say. They run in a subtransaction that is read-only, sees one
-- tenant and is always rolled back, so nothing of a guard stays: no row, no notification, no lock.
-- An error and the next tenant cost one more; the connection's statement_timeout ends a guard that
-- hangs, and with it the asking.
-- Tenants take turns, in an order that is another one each time, and each has its share of the time
-- that is left: nobody's slow guards keep the guards of others from being asked.
-- The planner settings undo those of the claim, which are made for its own plans.
create function drip._ask_guards(p_ids bigint[], p_first_only boolean default false)
returns table (
  message_id bigint, guard text, answer text, error text, until timestamptz,
  was_asked boolean, timed_out boolean, answered text[], slow jsonb)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'auto'
set enable_hashjoin = on
set enable_mergejoin = on
set enable_seqscan = on
set enable_bitmapscan = on
set enable_material = on
as $$
#variable_conflict use_column
declare
  c_budget constant interval := interval '1 second';
  c_lock_wait constant text := '250ms';
  c_tolerated constant integer := 3;
  -- seconds: of a call on average, and of all calls together before that is asked
  c_quick_call constant double precision := 0.02;
  c_quick constant double precision := 0.1;
  v_now constant timestamptz := drip.now();
  v_began constant timestamptz := drip._wall_clock();
  v_limit constant interval := pg_catalog.current_setting('statement_timeout')::interval;
  v_guards jsonb;
  v_messages bigint[];
  v_users bigint[];
  v_devices bigint[];
  v_leads bigint[];
  v_enrollments bigint[];
  v_exits text[];
  v_onlys text[];
  v_names text[];
  v_answers text[];
  v_errors text[];
  v_untils timestamptz[];
  v_exit_said boolean[];
  v_only_said boolean[];
  v_asked boolean[];
  v_exit_took double precision[];
  v_only_took double precision[];
  v_took double precision;
  v_turns integer[];
  v_until timestamptz;
  v_took_turn double precision;
  v_calls integer;
  v_slow jsonb;
  v_timed_out integer := 0;
  v_place integer;
  v_name text;
  v_guard jsonb;
  v_said boolean;
  v_asked_at timestamptz;
  v_before text[];
  v_user bigint;
  v_is_bound boolean;
  v_is_calling boolean := false;
  v_is_done boolean;
  v_is_over boolean := false;
  v_served bigint[] := '{}';
begin
  select
    array_agg(q.id order by q.place),
    array_agg(q.user_id order by q.place),
    array_agg(q.device_id order by q.place),
    array_agg(q.lead_id order by q.place),
    array_agg(q.sequence_contact_id order by q.place),
    array_agg(q.exit_if order by q.place),
    array_agg(q.only_if order by q.place),
    array_agg(q.place order by random()) filter (where q.is_first)
  into v_messages, v_users, v_devices, v_leads, v_enrollments, v_exits, v_onlys, v_turns
  from (
    select
      m.id, m.user_id, coalesce(m.device_id, 0) as device_id, m.lead_id, m.sequence_contact_id,
      s.exit_if, st.only_if,
      row_number() over (order by m.user_id, t.place)::integer as place,
      row_number() over (partition by m.user_id order by t.place) = 1 as is_first
    from unnest(p_ids) with ordinality as t (id, place)
    join drip.broadcast_messages m on m.id = t.id
    join drip.sequences s on s.id = m.sequence_id
    join drip.sequence_steps st on st.id = m.sequence_stepid
    where s.exit_if is not null or st.only_if is not null
  ) q;
  if v_messages is null then
    return;
  end if;

  select jsonb_object_agg(g.name, jsonb_build_object(
    'call', c.call,
    'user', g.user_id,
    'until', case when g.suspended_until > v_now then g.suspended_until end,
    'problem', case
      when g.suspended_until > v_now then 'it failed or took long before, and rests'
      else c.problem
    end,
    'failures', 0))
  into v_guards
  from drip.guards g
  cross join lateral drip._guard_call(g.function_name) c
  where g.name = any (v_exits || v_onlys);

  v_names := array_fill(null::text, array[cardinality(v_messages)]);
  v_answers := v_names;
  v_errors := v_names;
  v_untils := array_fill(null::timestamptz, array[cardinality(v_messages)]);
  v_exit_said := array_fill(null::boolean, array[cardinality(v_messages)]);
  v_only_said := v_exit_said;
  v_asked := array_fill(false, array[cardinality(v_messages)]);
  v_exit_took := array_fill(null::double precision, array[cardinality(v_messages)]);
  v_only_took := v_exit_took;

  v_before := drip._session_state();

  while not v_is_over and cardinality(v_turns) > 0 loop
    v_place := v_turns[1];
    v_turns := v_turns[2:];
    v_user := v_users[v_place];
    v_until := drip._wall_clock();
    v_until := v_until + (v_began + c_budget - v_until) / (cardinality(v_turns) + 1);
    v_took_turn := 0;
    v_calls := 0;
    v_is_bound := false;
    v_is_done := false;
    begin
      perform drip._bind_tenant(v_user);
      perform pg_catalog.set_config('lock_timeout', c_lock_wait, true);
      v_is_bound := true;
      while v_place <= cardinality(v_messages) and v_users[v_place] = v_user loop
        if not (p_first_only and v_devices[v_place] = any (v_served)) then
          exit when v_calls > 0 and drip._wall_clock() > v_until;
          for v_turn in 1..2 loop
            v_name := case v_turn when 1 then v_exits[v_place] else v_onlys[v_place] end;
            continue when v_name is null;
            v_names[v_place] := v_name;
            v_guard := v_guards -> v_name;
            if v_guard ->> 'problem' is not null or (v_guard ->> 'user')::bigint <> v_user then
              v_answers[v_place] := 'guard_error';
              v_errors[v_place] := coalesce(
                v_guard ->> 'problem', 'it is registered for another tenant');
              v_untils[v_place] := (v_guard ->> 'until')::timestamptz;
              exit;
            end if;
            v_asked[v_place] := true;
            v_asked_at := drip._wall_clock();
            v_is_calling := true;
            v_said := drip._call_guard(
              v_guard ->> 'call', v_leads[v_place], v_enrollments[v_place]);
            v_is_calling := false;
            v_took := extract(epoch from drip._wall_clock() - v_asked_at);
            v_took_turn := v_took_turn + v_took;
            v_calls := v_calls + 1;
            if v_turn = 1 then
              v_exit_took[v_place] := v_took;
            else
              v_only_took[v_place] := v_took;
            end if;
            -- one that catches the cancellation and answers all the same
            if v_limit > interval '0' and drip._statement_age() >= v_limit then
              v_timed_out := v_place;
              v_answers[v_place] := 'guard_error';
              v_errors[v_place] := pg_catalog.format('it took longer than %s', v_limit);
              exit;
            end if;
            if v_said is null then
              v_answers[v_place] := 'guard_error';
              v_errors[v_place] := 'it returned null';
              v_guards := drip._count_failure(v_guards, v_name, c_tolerated);
              exit;
            end if;
            v_guards := jsonb_set(v_guards, array[v_name, 'failures'], '0');
            if v_turn = 1 then
              v_exit_said[v_place] := v_said;
            else
              v_only_said[v_place] := v_said;
            end if;
            v_answers[v_place] := case
              when v_turn = 1 and v_said then 'exit_if'
              when v_turn = 2 and not v_said then 'guard_false'
              else 'go'
            end;
            exit when v_answers[v_place] <> 'go';
          end loop;
          if v_answers[v_place] = 'go' then
            v_served := v_served || v_devices[v_place];
          end if;
          v_is_over := v_timed_out > 0;
          exit when v_is_over;
        end if;
        v_place := v_place + 1;
      end loop;
      v_is_done := true;
      raise exception 'what guards did is rolled back';
    exception
      when query_canceled then
        -- a cancel by somebody else, or a time-out that was used up before: not this guard's doing
        if not v_is_calling
          or v_limit = interval '0'
          or drip._statement_age() < v_limit
          or drip._wall_clock() - v_asked_at < least(c_budget, v_limit / 2)
        then
          perform drip._reset_session(v_before);
          raise;
        end if;
        v_timed_out := v_place;
        v_is_over := true;
        v_answers[v_place] := 'guard_error';
        v_errors[v_place] := pg_catalog.format('it took longer than %s', v_limit);
      when others or assert_failure then
        if not v_is_done then
          if v_is_bound and not v_is_calling then
            perform drip._reset_session(v_before);
            raise;
          end if;
          v_answers[v_place] := 'guard_error';
          v_errors[v_place] := left(sqlerrm, 500);
          if v_is_calling then
            v_guards := drip._count_failure(v_guards, v_name, c_tolerated);
            v_took := extract(epoch from drip._wall_clock() - v_asked_at);
            v_took_turn := v_took_turn + v_took;
            v_calls := v_calls + 1;
            if v_name = v_exits[v_place] then
              v_exit_took[v_place] := v_took;
            else
              v_only_took[v_place] := v_took;
            end if;
          else
            v_names[v_place] := coalesce(v_exits[v_place], v_onlys[v_place]);
          end if;
          v_is_calling := false;
          v_place := v_place + 1;
        end if;
    end;
    -- what is left of it comes after the others, unless its guards are slow
    if v_users[v_place] = v_user
      and not (v_took_turn > c_quick and v_took_turn > v_calls * c_quick_call)
    then
      v_turns := v_turns || v_place;
    end if;
    v_is_over := v_is_over or drip._wall_clock() > v_began + c_budget;
  end loop;
  perform drip._reset_session(v_before);

  if drip._wall_clock() > v_began + c_quick * interval '1 second' then
    -- the guards of one tenant count together, or it would have many of them
    with calls as (
      select c.name, coalesce('tenant ' || (v_guards -> c.name ->> 'user'), c.name) as owner, c.took
      from (
        select e.name, e.took from unnest(v_exits, v_exit_took) as e (name, took)
        union all
        select o.name, o.took from unnest(v_onlys, v_only_took) as o (name, took)
      ) c
      where c.took is not null
    )
    select jsonb_object_agg(c.name, q.took)
    into v_slow
    from (
      select c.owner, sum(c.took) as took
      from calls c
      group by c.owner
      having sum(c.took) > greatest(c_quick, count(*) * c_quick_call)
    ) q
    join calls c on c.owner = q.owner;
  end if;

  return query
    select
      q.message_id, q.guard, q.answer, q.error, q.until, q.was_asked,
      q.place = v_timed_out,
      array_remove(array[
        case when q.exit_said is not null then q.exit_if end,
        case when q.only_said is not null then q.only_if end], null),
      v_slow
    from unnest(
      v_messages, v_names, v_answers, v_errors, v_untils, v_asked, v_exit_said, v_only_said,
      v_exits, v_onlys) with ordinality as q (
      message_id, guard, answer, error, until, was_asked, exit_said, only_said, exit_if, only_if,
      place);
end
$$;
comment on function drip._ask_guards(bigint[], boolean) is
  'One row per guarded message: go, exit_if, guard_false, guard_error (with the error; until, where
   the guard rests), or null: not asked this time. With p_first_only it stops at the first go of a
   device. slow: the guards that took long, with their seconds, the same in each row.';

-- A guard that fails for three messages on end is not called for the rest of them.
create function drip._count_failure(p_guards jsonb, p_name text, p_tolerated integer)
returns jsonb
language sql immutable parallel safe
as $$
  select jsonb_set(p_guards, array[p_name], (p_guards -> p_name) || case
    when (p_guards -> p_name ->> 'failures')::integer + 1 >= p_tolerated
      then jsonb_build_object('problem', 'it failed for the messages before')
    else jsonb_build_object('failures', (p_guards -> p_name ->> 'failures')::integer + 1)
  end)
$$;
comment on function drip._count_failure(jsonb, text, integer) is
  'The guards of a claim after one more failure of one of them.';
