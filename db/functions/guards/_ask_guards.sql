-- Asks the guards of these messages. They run in a subtransaction that is read-only, sees one
-- tenant and is always rolled back, so a guard leaves nothing: no row, no notification, no lock. An
-- error and the next tenant cost another one; the connection's statement_timeout ends a guard that
-- hangs, and the asking with it. Tenants take turns in random order, and each gets its share of the
-- remaining time: slow guards of one do not keep those of others from being asked. The planner
-- settings undo those of the claim, which are made for its own plans.
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
  v_began constant timestamptz := drip._wall_clock();
  v_questions jsonb[];
  v_answers jsonb[];
  v_names text[];
  v_guards jsonb;
  v_turns integer[];
  v_place integer;
  v_next integer;
  v_turn record;
  v_served bigint[] := '{}';
  v_called text[] := '{}';
  v_seconds double precision[] := '{}';
  v_took double precision := 0;
  v_until timestamptz;
  v_before text[];
  v_slow jsonb;
begin
  select
    array_agg(
      jsonb_build_object(
        'message_id', q.id, 'user_id', q.user_id, 'device_id', q.device_id,
        'lead_id', q.lead_id, 'enrollment_id', q.sequence_contact_id,
        'exit_if', q.exit_if, 'only_if', q.only_if)
      order by q.place),
    array_agg(q.exit_if) || array_agg(q.only_if),
    array_agg(q.place order by random()) filter (where q.is_first)
  into v_questions, v_names, v_turns
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
  if v_questions is null then
    return;
  end if;
  v_answers := array_fill(null::jsonb, array[cardinality(v_questions)]);
  v_guards := drip._load_guards(v_names);
  v_before := drip._session_state();

  while cardinality(v_turns) > 0 loop
    v_place := v_turns[1];
    v_turns := v_turns[2:];
    v_until := drip._wall_clock();
    v_until := v_until + (v_began + c_budget - v_until) / (cardinality(v_turns) + 1);
    select t.*
    into v_turn
    from drip._ask_tenant(
      v_questions, v_place, p_first_only, v_until, c_budget, v_before, v_guards, v_served) t;
    v_guards := v_turn.guards;
    v_served := v_turn.served;
    v_called := v_called || v_turn.called;
    v_seconds := v_seconds || v_turn.seconds;
    v_took := v_took + v_turn.took;
    v_next := v_place + cardinality(v_turn.answers);
    v_answers[v_place : v_next - 1] := v_turn.answers;
    exit when v_turn.is_over or drip._wall_clock() > v_began + c_budget;
    -- a tenant's remaining messages come after the others, unless its guards are slow
    if v_questions[v_next] -> 'user_id' = v_questions[v_place] -> 'user_id'
      and not drip._is_slow(v_turn.took, cardinality(v_turn.called))
    then
      v_turns := v_turns || v_next;
    end if;
  end loop;
  perform drip._reset_session(v_before);

  -- no guard is slow that took less time than all of them together may
  if drip._is_slow(v_took, 0) then
    v_slow := drip._slow_guards(v_called, v_seconds, v_guards);
  end if;

  return query
    select
      (q.question ->> 'message_id')::bigint, a.guard, a.answer, a.error, a.until,
      coalesce(a.was_asked, false), coalesce(a.timed_out, false), coalesce(a.answered, '{}'),
      v_slow
    from unnest(v_questions, v_answers) as q (question, answer)
    left join lateral jsonb_to_record(q.answer) as a (
      guard text, answer text, error text, until timestamptz, was_asked boolean,
      timed_out boolean, answered text[]) on true;
end
$$;
comment on function drip._ask_guards(bigint[], boolean) is
  'One row per guarded message: go, exit_if, guard_false, guard_error (with the error; until, where
   the guard is suspended), or null: not asked this time. With p_first_only it stops at the first go
   of a device. slow: the guards that took long, with their seconds, the same in each row.';

create function drip._load_guards(p_names text[]) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  return (
    select jsonb_object_agg(g.name, jsonb_build_object(
      'call', c.call,
      'user', g.user_id,
      'until', case when g.suspended_until > v_now then g.suspended_until end,
      'problem', case
        when g.suspended_until > v_now then 'it failed or took long before, and rests'
        else c.problem
      end,
      'failures', 0))
    from drip.guards g
    cross join lateral drip._guard_call(g.function_name) c
    where g.name = any (p_names));
end
$$;
comment on function drip._load_guards(text[]) is
  'These guards by name: the statement that calls each, its tenant, its problem and until when, and
   its failures in a row.';

create function drip._is_slow(p_seconds double precision, p_calls bigint) returns boolean
language sql immutable parallel safe
as $$
  select p_seconds > greatest(0.1, p_calls * 0.02)
$$;
comment on function drip._is_slow(double precision, bigint) is
  'True for more than 0.1 s in one claim, and more than 20 ms a call.';

-- The guards of one tenant count together: else it could register many.
create function drip._slow_guards(
  p_called text[], p_seconds double precision[], p_guards jsonb)
returns jsonb
language sql immutable
as $$
  with calls as (
    select
      c.name, coalesce('tenant ' || (p_guards -> c.name ->> 'user'), c.name) as owner, c.seconds
    from unnest(p_called, p_seconds) as c (name, seconds)
  )
  select jsonb_object_agg(c.name, q.seconds)
  from (
    select c.owner, sum(c.seconds) as seconds
    from calls c
    group by c.owner
    having drip._is_slow(sum(c.seconds), count(*))
  ) q
  join calls c on c.owner = q.owner
$$;
comment on function drip._slow_guards(text[], double precision[], jsonb) is
  'The slow ones among the guards called in a claim, each with the seconds of its owner; null:
   none.';
