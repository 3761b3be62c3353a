-- One tenant's turn, in a subtransaction of its own. It ends with the tenant's last message, at
-- p_until, or with an error, after which the tenant goes on in a turn of its own.
create function drip._ask_tenant(
  p_questions jsonb[], p_place integer, p_first_only boolean, p_until timestamptz,
  p_budget interval, p_before text[], inout guards jsonb, inout served bigint[],
  out answers jsonb[], out called text[], out seconds double precision[],
  out took double precision, out is_over boolean)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_lock_wait constant text := '250ms';
  c_tolerated constant integer := 3;
  v_limit constant interval := pg_catalog.current_setting('statement_timeout')::interval;
  v_question jsonb := p_questions[p_place];
  v_user constant bigint := (v_question ->> 'user_id')::bigint;
  v_blank record;
  v_answer record;
  v_role text;
  v_name text;
  v_guard jsonb;
  v_said boolean;
  v_asked_at timestamptz;
  v_took double precision;
  v_is_bound boolean := false;
  v_is_calling boolean := false;
  v_is_done boolean := false;
begin
  answers := '{}';
  called := '{}';
  seconds := '{}';
  took := 0;
  is_over := false;
  select
    null::text as guard, null::text as answer, null::text as error, null::timestamptz as until,
    false as was_asked, false as timed_out, '{}'::text[] as answered
  into v_blank;
  v_answer := v_blank;
  begin
    perform drip._bind_tenant(v_user);
    perform pg_catalog.set_config('lock_timeout', c_lock_wait, true);
    v_is_bound := true;
    while (v_question ->> 'user_id')::bigint = v_user and not is_over loop
      v_answer := v_blank;
      if not (p_first_only and (v_question ->> 'device_id')::bigint = any (served)) then
        exit when called <> '{}' and drip._wall_clock() > p_until;
        foreach v_role in array array['exit_if', 'only_if'] loop
          v_name := v_question ->> v_role;
          continue when v_name is null;
          v_answer.guard := v_name;
          v_guard := guards -> v_name;
          if v_guard ->> 'problem' is not null or (v_guard ->> 'user')::bigint <> v_user then
            v_answer.answer := 'guard_error';
            v_answer.error := coalesce(
              v_guard ->> 'problem', 'it is registered for another tenant');
            v_answer.until := (v_guard ->> 'until')::timestamptz;
            exit;
          end if;
          v_answer.was_asked := true;
          v_asked_at := drip._wall_clock();
          v_is_calling := true;
          v_said := drip._call_guard(
            v_guard ->> 'call', (v_question ->> 'lead_id')::bigint,
            (v_question ->> 'enrollment_id')::bigint);
          v_is_calling := false;
          v_took := extract(epoch from drip._wall_clock() - v_asked_at);
          took := took + v_took;
          called := called || v_name;
          seconds := seconds || v_took;
          -- one that catches the cancellation and answers all the same
          if v_limit > interval '0' and drip._statement_age() >= v_limit then
            is_over := true;
            v_answer.timed_out := true;
            v_answer.answer := 'guard_error';
            v_answer.error := pg_catalog.format('it took longer than %s', v_limit);
            exit;
          end if;
          if v_said is null then
            v_answer.answer := 'guard_error';
            v_answer.error := 'it returned null';
            guards := drip._count_failure(guards, v_name, c_tolerated);
            exit;
          end if;
          guards := jsonb_set(guards, array[v_name, 'failures'], '0');
          v_answer.answered := v_answer.answered || v_name;
          v_answer.answer := case
            when v_role = 'exit_if' and v_said then 'exit_if'
            when v_role = 'only_if' and not v_said then 'guard_false'
            else 'go'
          end;
          exit when v_answer.answer <> 'go';
        end loop;
        if v_answer.answer = 'go' then
          served := served || (v_question ->> 'device_id')::bigint;
        end if;
      end if;
      answers := answers || to_jsonb(v_answer);
      v_question := p_questions[p_place + cardinality(answers)];
    end loop;
    v_is_done := true;
    raise exception 'what guards did is rolled back';
  exception
    when query_canceled then
      -- a cancel by somebody else, or a time-out that was used up before: not this guard's doing
      if not v_is_calling
        or v_limit = interval '0'
        or drip._statement_age() < v_limit
        or drip._wall_clock() - v_asked_at < least(p_budget, v_limit / 2)
      then
        perform drip._reset_session(p_before);
        raise;
      end if;
      is_over := true;
      v_answer.timed_out := true;
      v_answer.answer := 'guard_error';
      v_answer.error := pg_catalog.format('it took longer than %s', v_limit);
    when others or assert_failure then
      if not v_is_done then
        if v_is_bound and not v_is_calling then
          perform drip._reset_session(p_before);
          raise;
        end if;
        v_answer.answer := 'guard_error';
        v_answer.error := left(sqlerrm, 500);
        if v_is_calling then
          guards := drip._count_failure(guards, v_name, c_tolerated);
          v_took := extract(epoch from drip._wall_clock() - v_asked_at);
          took := took + v_took;
          called := called || v_name;
          seconds := seconds || v_took;
        else
          v_answer.guard := coalesce(v_question ->> 'exit_if', v_question ->> 'only_if');
        end if;
      end if;
  end;
  if not v_is_done then
    answers := answers || to_jsonb(v_answer);
  end if;
end
$$;
comment on function drip._ask_tenant(
  jsonb[], integer, boolean, timestamptz, interval, text[], jsonb, bigint[]) is
  'Asks the guards about the messages of one tenant, from p_place on: one answer for each message it
   comes to, the guards with their failures, the devices that have a message that may go, the guards
   in the order of the calls with the seconds of each, and whether the statement''s time is over.';

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
