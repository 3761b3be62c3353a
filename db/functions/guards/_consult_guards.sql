-- Answers of the guards for the claim, with a record of those that fail: the wait grows from 1
-- minute to 15, one error among good answers defers only its message, and no transaction waits for
-- a guard's row. Messages that were not asked come before failed ones, so that a few leads that a
-- guard cannot judge do not delay the others. Slow guards are suspended for ten times as long as
-- they took, and once more for each other owner of suspended guards: together they cost others a
-- tenth of the time.
create function drip._consult_guards(p_ids bigint[], p_first_only boolean)
returns table (message_id bigint, verdict text, reason text, until timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_rounds constant integer := 3;
  c_behind constant interval := interval '5 seconds';
  c_slow_rests constant integer := 10;
  c_longest constant interval := interval '15 minutes';
  v_now constant timestamptz := drip.now();
  v_answers jsonb;
  v_waits jsonb := '{}';
  v_guard record;
  v_until timestamptz;
  v_rests boolean;
  v_slow jsonb;
  v_slow_until timestamptz;
  v_took text;
  v_owners bigint := 0;
begin
  select jsonb_agg(to_jsonb(a))
  into v_answers
  from drip._ask_guards(p_ids, p_first_only) a;
  v_slow := v_answers -> 0 -> 'slow';
  if jsonb_typeof(v_slow) = 'object' then
    select count(distinct coalesce('tenant ' || g.user_id, g.name))
    into v_owners
    from drip.guards g
    where g.suspended_until > v_now or v_slow ? g.name;
  end if;

  for v_guard in
    with answers as materialized (
      select a.*
      from jsonb_to_recordset(v_answers) as a (
        guard text, answer text, error text, was_asked boolean, timed_out boolean,
        answered text[])
    ),
    failed as (
      select
        a.guard as name,
        count(*) filter (where a.was_asked) as calls,
        bool_or(not a.was_asked) as was_given_up,
        bool_or(a.timed_out) as timed_out,
        coalesce(
          (array_agg(a.error order by a.timed_out desc) filter (where a.was_asked))[1],
          min(a.error)) as error
      from answers a
      where a.answer = 'guard_error'
      group by a.guard
    ),
    good as (
      select distinct n.name from answers a cross join lateral unnest(a.answered) as n (name)
    )
    select
      g.name, g.errors, x.error, x.calls,
      s.is_good,
      case
        when s.is_good and not coalesce(x.timed_out, false) then 0
        else g.errors + 1
      end as rounds,
      coalesce(x.timed_out, false) or coalesce(x.was_given_up, false) as is_out,
      (v_slow ->> g.name)::double precision as took
    from drip.guards g
    left join failed x on x.name = g.name
    cross join lateral (select exists (select from good o where o.name = g.name) as is_good) s
    where (x.name is not null
           or (s.is_good and (g.errors > 0 or g.suspended_until is not null))
           or v_slow ? g.name)
      and coalesce(g.suspended_until, v_now) <= v_now
    order by g.name
  loop
    v_until := v_now + least(
      interval '1 minute' * (2 ^ least(greatest(v_guard.rounds - 1, 0), 4)),
      c_longest);
    v_slow_until := case
      when v_guard.took is not null then v_now + least(
        v_guard.took * c_slow_rests * v_owners * interval '1 second', c_longest)
    end;
    v_rests :=
      v_guard.error is not null and (v_guard.is_out or v_guard.rounds >= c_rounds);
    v_waits := v_waits || jsonb_build_object(v_guard.name, jsonb_build_object(
      'others', greatest(v_until, v_slow_until),
      'failed', v_until + case when v_rests then c_behind else interval '0' end));
    v_took := 'it took ' || round(v_guard.took::numeric, 2) || ' s in one claim';
    update drip.guards g
    set errors = v_guard.rounds,
      suspended_until = greatest(case when v_rests then v_until end, v_slow_until),
      last_error = coalesce(v_guard.error, v_took, g.last_error),
      last_error_at = case
        when coalesce(v_guard.error, v_took) is not null then v_now
        else g.last_error_at
      end
    where g.name in (
      select l.name
      from drip.guards l
      where l.name = v_guard.name
      for no key update skip locked);
  end loop;

  return query
    select
      a.message_id,
      case
        when a.answer is null then 'later'
        when a.answer = 'exit_if' then 'exit'
        when a.answer = 'guard_false' then 'drop'
        when a.answer = 'guard_error' then 'wait'
        else 'go'
      end,
      nullif(a.answer, 'go'),
      case
        when a.answer = 'guard_error' then coalesce(
          a.until,
          (v_waits -> a.guard ->> case when a.was_asked then 'failed' else 'others' end
          )::timestamptz)
      end
    from jsonb_to_recordset(v_answers) as a (
      message_id bigint, guard text, answer text, until timestamptz, was_asked boolean);
end
$$;
comment on function drip._consult_guards(bigint[], boolean) is
  'Verdicts on guarded messages that no other rule stops: go, exit, drop, wait, or later: not asked
   this time.';
