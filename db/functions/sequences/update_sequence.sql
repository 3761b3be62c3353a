-- A patch: only the named columns change. Steps are replaced as a whole, and only while no journey
-- was ever planned from them.
create function drip.update_sequence(p_sequence text, p_changes jsonb)
returns table (sequence_id bigint, name text, status text, changed text[], outcome text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_before constant drip.sequences := drip._find_sequence(p_sequence);
  v_old constant jsonb := drip._sequence_definition(v_before.id);
  v_values jsonb;
  v_step record;
  v_changed text[];
  v_constraint text;
  v_detail text;
begin
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "…"}.');
  end if;
  perform drip._check_object(p_changes, 'the definition');
  v_values := drip._sequence_values(v_before.user_id, p_changes - 'steps', true);
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.sequences s set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.sequences, $1)) where s.id = $2',
        drip._column_list(v_values))
      using v_values, v_before.id;
    end if;
    if p_changes ? 'steps' then
      if exists (
        select from drip.sequence_contacts e where e.sequence_id = v_before.id
      ) then
        perform drip._fail(
          'DR005',
          format('the sequence %s has journeys that were planned from its steps',
                 quote_literal(v_before.name)),
          'replace_steps changes the steps of a live sequence and lists first whom it concerns.');
      end if;
      delete from drip.sequence_steps st where st.sequence_id = v_before.id;
      perform drip._insert_steps(v_before.id, p_changes -> 'steps');
      perform drip._check_sequence_texts(v_before.id);
    end if;
  exception
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  for v_step in
    select
      st.day_number,
      coalesce(st.min_delay_seconds, s.min_delay_seconds) as shortest,
      coalesce(st.max_delay_seconds, s.max_delay_seconds) as longest
    from drip.sequences s
    join drip.sequence_steps st on st.sequence_id = s.id and st.retired_at is null
    where s.id = v_before.id
    order by st.day_number
  loop
    perform drip._check_delays(
      v_step.shortest, v_step.longest, format('steps[%s].', v_step.day_number));
  end loop;
  -- An active sequence stays one that has steps and something that enrolls.
  perform drip._check_sequence_ready(s)
  from drip.sequences s
  where s.id = v_before.id and s.status in ('active', 'paused');

  select coalesce(array_agg(n.key order by n.key), '{}')
  into v_changed
  from jsonb_each(drip._sequence_definition(v_before.id)) as n (key, value)
  where n.value is distinct from v_old -> n.key;
  if cardinality(v_changed) > 0 then
    perform drip._audit(
      v_before.user_id, 'update_sequence', 'sequence', v_before.id, null, p_changes);
  end if;
  return query
    select
      s.id, s.name, s.status, v_changed,
      case when cardinality(v_changed) > 0 then 'updated' else 'unchanged' end
    from drip.sequences s
    where s.id = v_before.id;
end
$$;
comment on function drip.update_sequence(text, jsonb) is
  'Changes the named settings of a sequence and nothing else; steps only while nobody ever entered.
   changed lists what differs now. Outcomes: updated, unchanged.';
grant execute on function drip.update_sequence(text, jsonb) to drip_app;
