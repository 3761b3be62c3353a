-- Guards are asked last, only about messages that no other rule stops.
create function drip._ask_about_heads(
  p_heads bigint[], p_steps bigint[], p_first_only boolean,
  out messages bigint[], out verdicts text[], out reasons text[], out untils timestamptz[])
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_steps bigint[];
  v_guarded bigint[];
begin
  -- the heads share few distinct steps
  select array_agg(st.id)
  into v_steps
  from drip.sequence_steps st
  join drip.sequences s on s.id = st.sequence_id
  where st.id = any (p_steps) and (s.exit_if is not null or st.only_if is not null);
  if v_steps is null then
    return;
  end if;
  select array_agg(f.message_id order by f.priority, f.due_at, f.message_id)
  into v_guarded
  from drip._message_facts f
  where f.message_id = any (p_heads)
    and f.sequence_stepid = any (v_steps)
    and f.verdict = 'go';
  select array_agg(c.message_id), array_agg(c.verdict), array_agg(c.reason), array_agg(c.until)
  into messages, verdicts, reasons, untils
  from drip._consult_guards(v_guarded, p_first_only) c;
end
$$;
comment on function drip._ask_about_heads(bigint[], bigint[], boolean) is
  'The guards'' verdicts on the heads that may go but for a guard. p_steps: the steps of the heads.
   Null: no head has a guard, or none of those may go.';
