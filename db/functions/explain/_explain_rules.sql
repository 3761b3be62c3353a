-- explain_message needs the rules of a message after it has checked its caller's rights.
create function drip._explain_rules(p_message_id bigint)
returns table (
  place integer, rule text, verdict text, sentence text, evidence jsonb, until timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_facts jsonb := (
    select to_jsonb(f) from drip._message_evidence f where f.message_id = p_message_id);
  v_judged record;
  v_held jsonb := '{}';
  v_exit_if constant text := v_facts ->> 'exit_if';
  v_only_if constant text := v_facts ->> 'only_if';
  v_guard record;
begin
  loop
    select j.verdict, j.reason, j.until into v_judged from drip._judge_facts(v_facts) j;
    exit when v_judged.reason is null or v_held ? v_judged.reason;
    v_held := v_held || jsonb_build_object(
      v_judged.reason,
      jsonb_build_object('verdict', v_judged.verdict, 'until', v_judged.until));
    v_facts := drip._lift_rule(v_facts, v_judged.reason);
    exit when v_facts is null;
  end loop;
  -- guards are asked last, as in the claim, and only where nothing else stops the message
  select 'not asked' as answer, null as error, null::timestamptz as until into v_guard;
  if v_held = '{}' and coalesce(v_exit_if, v_only_if) is not null then
    select a.answer, a.error, a.until into v_guard from drip._ask_guards(array[p_message_id]) a;
    if v_guard.answer = 'guard_error' then
      v_held := jsonb_build_object(
        'guard_error', jsonb_build_object('verdict', 'wait', 'until', v_guard.until));
    end if;
  end if;
  return query
    with listed as materialized (
      select l.* from drip._list_rules(p_message_id) l
    )
    select
      l.place,
      l.rule,
      coalesce(h.held ->> 'verdict', case when l.is_set then 'go' else 'off' end),
      case
        when h.held is not null then drip.reason_sentence(l.rule)
        when l.is_set then 'It does not stop the message.'
        else 'It is not set.'
      end,
      jsonb_strip_nulls(l.evidence || case
        when l.rule = 'guard_error' then jsonb_build_object('error', v_guard.error)
        else '{}'
      end),
      (h.held ->> 'until')::timestamptz
    from listed l
    cross join lateral (select v_held -> l.rule as held) h
    union all
    select
      n.rules + g.place,
      g.rule,
      case v_guard.answer when g.rule then 'drop' else 'go' end,
      case v_guard.answer
        when g.rule then drip.reason_sentence(g.rule)
        when 'not asked' then 'Its guard is asked when no other rule stops the message.'
        when 'guard_error' then 'Its guard is asked again.'
        else 'It does not stop the message.'
      end,
      jsonb_build_object('guard', g.guard),
      null
    from (
      select row_number() over (order by x.n)::integer as place, x.rule, x.guard
      from (values (1, 'exit_if', v_exit_if), (2, 'guard_false', v_only_if)) x (n, rule, guard)
      where x.guard is not null
    ) g
    cross join (select count(*)::integer as rules from listed) n;
end
$$;
comment on function drip._explain_rules(bigint) is
  'The rules of explain_rules for a pending message of any tenant; no row for any other message.';
