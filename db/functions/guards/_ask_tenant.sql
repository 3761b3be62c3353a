-- One tenant's turn, in a subtransaction of its own. It ends with the tenant's last message, at
-- p_until, or with an error, after which the tenant continues in another turn.
create function drip._ask_tenant(
  p_questions jsonb[], p_place integer, p_first_only boolean, p_until timestamptz,
  p_budget interval, p_before text[], inout guards jsonb, inout served bigint[],
  out answers jsonb[], out called text[], out seconds double precision[],
  out took double precision, out is_over boolean)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit constant interval := pg_catalog.current_setting('statement_timeout')::interval;
  v_question jsonb := p_questions[p_place];
  v_user constant bigint := (v_question ->> 'user_id')::bigint;
  v_lead bigint;
  v_enrollment bigint;
  v_device bigint;
  v_answer text;
  v_error text;
  v_rests_until text;
  v_was_asked boolean := false;
  v_timed_out boolean := false;
  v_answered text[] := '{}';
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
  begin
    perform drip._bind_tenant(v_user);
    perform pg_catalog.set_config('lock_timeout', '250ms', true);
    v_is_bound := true;
    while (v_question ->> 'user_id')::bigint = v_user and not is_over loop
      v_name := null;
      v_answer := null;
      v_error := null;
      v_rests_until := null;
      v_was_asked := false;
      v_answered := '{}';
      v_device := (v_question ->> 'device_id')::bigint;
      if not (p_first_only and v_device = any (served)) then
        exit when cardinality(called) > 0 and drip._wall_clock() > p_until;
        v_lead := (v_question ->> 'lead_id')::bigint;
        v_enrollment := (v_question ->> 'enrollment_id')::bigint;
        foreach v_role in array array['exit_if', 'only_if'] loop
          continue when v_question ->> v_role is null;
          v_name := v_question ->> v_role;
          v_guard := guards -> v_name;
          if v_guard ->> 'problem' is not null or (v_guard ->> 'user')::bigint <> v_user then
            v_answer := 'guard_error';
            v_error := coalesce(v_guard ->> 'problem', 'it is registered for another tenant');
            v_rests_until := v_guard ->> 'until';
            exit;
          end if;
          v_was_asked := true;
          v_asked_at := drip._wall_clock();
          v_is_calling := true;
          v_said := drip._call_guard(v_guard ->> 'call', v_lead, v_enrollment);
          v_is_calling := false;
          v_took := extract(epoch from drip._wall_clock() - v_asked_at);
          took := took + v_took;
          called := called || v_name;
          seconds := seconds || v_took;
          -- for guards that catch the cancellation and still answer
          if v_limit > interval '0' and drip._statement_age() >= v_limit then
            is_over := true;
            v_timed_out := true;
            v_answer := 'guard_error';
            v_error := pg_catalog.format('it took longer than %s', v_limit);
            exit;
          end if;
          if v_said is null then
            v_answer := 'guard_error';
            v_error := 'it returned null';
            guards := drip._count_failure(guards, v_name);
            exit;
          end if;
          if v_guard ->> 'failures' <> '0' then
            guards := jsonb_set(guards, array[v_name, 'failures'], '0');
          end if;
          v_answered := v_answered || v_name;
          v_answer := case
            when v_role = 'exit_if' and v_said then 'exit_if'
            when v_role = 'only_if' and not v_said then 'guard_false'
            else 'go'
          end;
          exit when v_answer <> 'go';
        end loop;
        if v_answer = 'go' then
          served := served || v_device;
        end if;
      end if;
      answers := answers || jsonb_build_object(
        'guard', v_name, 'answer', v_answer, 'error', v_error, 'until', v_rests_until,
        'was_asked', v_was_asked, 'timed_out', v_timed_out, 'answered', v_answered);
      v_question := p_questions[p_place + cardinality(answers)];
    end loop;
    v_is_done := true;
    raise exception 'what guards did is rolled back';
  exception
    when query_canceled then
      -- a cancel by another session, or a time-out used up before: not this guard's fault
      if not v_is_calling
        or v_limit = interval '0'
        or drip._statement_age() < v_limit
        or drip._wall_clock() - v_asked_at < least(p_budget, v_limit / 2)
      then
        perform drip._reset_session(p_before);
        raise;
      end if;
      is_over := true;
      v_timed_out := true;
      v_answer := 'guard_error';
      v_error := pg_catalog.format('it took longer than %s', v_limit);
    when others or assert_failure then
      if not v_is_done then
        if v_is_bound and not v_is_calling then
          perform drip._reset_session(p_before);
          raise;
        end if;
        v_answer := 'guard_error';
        v_error := left(sqlerrm, 500);
        if v_is_calling then
          guards := drip._count_failure(guards, v_name);
          v_took := extract(epoch from drip._wall_clock() - v_asked_at);
          took := took + v_took;
          called := called || v_name;
          seconds := seconds || v_took;
        else
          v_name := coalesce(v_question ->> 'exit_if', v_question ->> 'only_if');
        end if;
      end if;
  end;
  -- after an error: the message that it came with
  if not v_is_done then
    answers := answers || jsonb_build_object(
      'guard', v_name, 'answer', v_answer, 'error', v_error, 'was_asked', v_was_asked,
      'timed_out', v_timed_out, 'answered', v_answered);
  end if;
end
$$;
comment on function drip._ask_tenant(
  jsonb[], integer, boolean, timestamptz, interval, text[], jsonb, bigint[]) is
  'Asks the guards about the messages of one tenant, from p_place on: one answer per message
   reached, the guards with their failures, the devices with a message that may go, the guards in
   the order of the calls with the seconds of each, and whether the statement''s time is over.';

-- A guard that fails for three messages in a row is not called for the others.
create function drip._count_failure(p_guards jsonb, p_name text)
returns jsonb
language sql immutable parallel safe
as $$
  select jsonb_set(p_guards, array[p_name], (p_guards -> p_name) || case
    when (p_guards -> p_name ->> 'failures')::integer + 1 >= 3
      then jsonb_build_object('problem', 'it failed for the messages before')
    else jsonb_build_object('failures', (p_guards -> p_name ->> 'failures')::integer + 1)
  end)
$$;
comment on function drip._count_failure(jsonb, text) is
  'The guards of a claim after another failure of one of them.';
