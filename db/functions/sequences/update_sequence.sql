-- A patch: only the named columns change. Steps are replaced as a whole, and only while no journey
-- was planned from them. The rehearsal is the edit itself, rolled back.
create function drip.update_sequence(
  p_sequence text, p_changes jsonb, p_dry_run boolean default false)
returns table (
  sequence_id bigint, name text, status text, changed text[], outcome text, step integer,
  step_name text, enrollment_id bigint, lead_id bigint, message_id bigint, at_before timestamptz,
  at_after timestamptz, applied boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_hours constant text[] := drip._hour_keys();
  v_dry_run constant boolean := coalesce(p_dry_run, false);
  v_before constant drip.sequences := drip._find_sequence(p_sequence);
  v_changed text[];
  v_ids bigint[];
  v_times timestamptz[];
  v_moves record;
  v_after drip.sequences;
begin
  perform drip._require_role('drip_app');
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "…"}.');
  end if;
  perform drip._check_json(p_changes, 'definition', 'p_changes');
  perform drip._check_object(p_changes, 'the definition');
  begin
    perform from drip.sequences s where s.id = v_before.id for no key update;
    if p_changes ?| c_hours then
      select array_agg(t.message_id), array_agg(t.at)
      into v_ids, v_times
      from drip._leaving_times(v_before.id) t;
    end if;
    v_changed := drip._update_sequence(v_before, p_changes);
    if v_changed && c_hours then
      -- one pass over both: a join of 100,000 to 100,000 depends on the planner's estimates
      select
        array_agg(q.id) as ids, array_agg(q.enrollment_id) as enrollments,
        array_agg(q.lead_id) as leads, array_agg(q.step_id) as steps,
        array_agg(q.at_before) as times_before, array_agg(q.at_after) as times_after
      into v_moves
      from (
        select
          m.id, max(m.enrollment_id) as enrollment_id, max(m.lead_id) as lead_id,
          max(m.step_id) as step_id, max(m.at) filter (where not m.is_after) as at_before,
          max(m.at) filter (where m.is_after) as at_after
        from (
          select
            b.id, null::bigint as enrollment_id, null::bigint as lead_id,
            null::bigint as step_id, b.at, false as is_after
          from unnest(v_ids, v_times) as b (id, at)
          union all
          select t.message_id, t.enrollment_id, t.lead_id, t.step_id, t.at, true
          from drip._leaving_times(v_before.id) t
        ) m
        group by m.id
        having count(*) = 2
          and max(m.at) filter (where not m.is_after)
            is distinct from max(m.at) filter (where m.is_after)
      ) q;
    end if;
    select s.* into v_after from drip.sequences s where s.id = v_before.id;
    if v_dry_run then
      raise exception using errcode = 'DR999';
    end if;
  exception
    when sqlstate 'DR999' then
      null;
  end;
  return query
    select
      v_after.id, v_after.name, v_after.status, v_changed,
      case when cardinality(v_changed) > 0 then 'updated' else 'unchanged' end,
      null::integer, null::text, null::bigint, null::bigint, null::bigint, null::timestamptz,
      null::timestamptz, not v_dry_run;
  if v_changed && c_hours then
    return query
      select
        v_after.id, v_after.name, v_after.status, null::text[], 'moves', st.day_number, st.name,
        m.enrollment_id, m.lead_id, m.message_id, m.at_before, m.at_after, not v_dry_run
      from unnest(
        v_moves.ids, v_moves.enrollments, v_moves.leads, v_moves.steps, v_moves.times_before,
        v_moves.times_after)
        as m (message_id, enrollment_id, lead_id, step_id, at_before, at_after)
      join drip.sequence_steps st on st.id = m.step_id
      order by m.enrollment_id, st.day_number;
  end if;
end
$$;
comment on function drip.update_sequence(text, jsonb, boolean) is
  'Changes the named settings of a sequence and nothing else; steps only while nobody has enrolled.
   The first row lists in changed what differs (outcome updated or unchanged). Where hours or days
   changed, one more row (moves) for each message of a journey that is not paused and would leave at
   another time: the earliest before and after; null = never. start_delay applies to later
   enrollments. p_dry_run true changes nothing.';
grant execute on function drip.update_sequence(text, jsonb, boolean) to drip_app;

create function drip._update_sequence(p_before drip.sequences, p_changes jsonb) returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_old constant jsonb := drip._sequence_definition(p_before.id);
  v_values jsonb := drip._sequence_values(p_before.user_id, p_changes - 'steps', true);
  v_step record;
  v_changed text[];
  v_constraint text;
  v_detail text;
begin
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.sequences s set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.sequences, $1)) where s.id = $2',
        drip._column_list(v_values))
      using v_values, p_before.id;
    end if;
    if p_changes ? 'steps' then
      if exists (
        select from drip.sequence_contacts e where e.sequence_id = p_before.id
      ) then
        perform drip._fail(
          'DR005',
          format('the sequence %s has journeys that were planned from its steps',
                 quote_literal(p_before.name)),
          'replace_steps changes the steps of a live sequence and first lists whom it concerns.');
      end if;
      delete from drip.sequence_steps st where st.sequence_id = p_before.id;
      perform drip._insert_steps(p_before.id, p_changes -> 'steps');
      perform drip._check_sequence_texts(p_before.id);
      perform drip._check_reach(p_before.id);
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
    where s.id = p_before.id
    order by st.day_number
  loop
    perform drip._check_delays(
      v_step.shortest, v_step.longest, format('steps[%s].', v_step.day_number));
  end loop;
  -- An active sequence keeps its steps and a way to enroll.
  perform drip._check_sequence_ready(s)
  from drip.sequences s
  where s.id = p_before.id and s.status in ('active', 'paused');

  select coalesce(array_agg(n.key order by n.key), '{}')
  into v_changed
  from jsonb_each(drip._sequence_definition(p_before.id)) as n (key, value)
  where n.value is distinct from v_old -> n.key;
  if cardinality(v_changed) > 0 then
    perform drip._audit(
      p_before.user_id, 'update_sequence', 'sequence', p_before.id, null, p_changes);
  end if;
  return v_changed;
end
$$;
comment on function drip._update_sequence(drip.sequences, jsonb) is
  'update_sequence without its rehearsal; returns the changed keys.';
