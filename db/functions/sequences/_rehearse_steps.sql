-- A dry run is the edit itself, rolled back, so the two cannot differ.
create function drip._rehearse_steps(
  p_sequence drip.sequences, p_steps jsonb, p_dry_run boolean, p_action text)
returns table (
  change text, step integer, step_name text, sequence_stepid bigint, changed text[],
  enrollment_id bigint, lead_id bigint, message_id bigint, at_before timestamptz,
  at_after timestamptz, applied boolean)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_rows jsonb;
  v_constraint text;
  v_detail text;
begin
  begin
    select jsonb_agg(r.*)
    into v_rows
    from drip._replace_steps(p_sequence.id, p_steps) r;
    if p_dry_run then
      raise exception using errcode = 'DR999';
    end if;
    if v_rows is not null then
      perform drip._audit(
        p_sequence.user_id, p_action, 'sequence', p_sequence.id, null,
        (select jsonb_object_agg(q.change, q.number)
         from (
           select e.value ->> 'change' as change, count(*) as number
           from jsonb_array_elements(v_rows) e
           group by 1
         ) q));
    end if;
  exception
    when sqlstate 'DR999' then
      null;
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  return query
    select
      r.change, r.step, r.step_name,
      -- ids from a rehearsal are gone
      case when not p_dry_run or r.step_is_old then r.sequence_stepid end,
      r.changed, r.enrollment_id, r.lead_id,
      case when not p_dry_run or r.change <> 'gains' then r.message_id end,
      r.at_before, r.at_after, not p_dry_run
    from jsonb_to_recordset(v_rows) as r (
      change text, step integer, step_name text, sequence_stepid bigint, changed text[],
      enrollment_id bigint, lead_id bigint, message_id bigint, at_before timestamptz,
      at_after timestamptz, step_is_old boolean);
end
$$;
comment on function drip._rehearse_steps(drip.sequences, jsonb, boolean, text) is
  'Replaces steps and audits the edit, or rolls it back for a rehearsal.';

-- Inserts all as new steps first, so that the checks of a new sequence apply; each existing step
-- then takes over its new values.
create function drip._replace_steps(p_sequence_id bigint, p_steps jsonb)
returns table (
  change text, step integer, step_name text, sequence_stepid bigint, changed text[],
  enrollment_id bigint, lead_id bigint, message_id bigint, at_before timestamptz,
  at_after timestamptz, step_is_old boolean)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_own constant text[] := array['id', 'created_at', 'updated_at', 'retired_at'];
  v_now constant timestamptz := drip.now();
  v_old jsonb;
  v_before jsonb;
  v_pairs jsonb;
  v_pair record;
  v_entry text;
  v_was_planned boolean;
  v_sequence drip.sequences;
begin
  -- enrolling takes a key share lock on this row: none is planned from the old steps meanwhile
  select s.* into v_sequence from drip.sequences s where s.id = p_sequence_id for update;
  v_old := drip._steps_in_use(p_sequence_id);
  v_entry := drip._entry_token(v_sequence);
  v_before := (
    select coalesce(jsonb_agg(to_jsonb(st) order by st.day_number), '[]')
    from drip.sequence_steps st
    where st.sequence_id = p_sequence_id and st.retired_at is null);
  v_pairs := drip._match_steps(v_before, p_steps);
  v_was_planned := exists (
    select from drip.sequence_contacts e where e.sequence_id = p_sequence_id);

  perform set_config('drip.editing_steps', 'yes', true);
  update drip.sequence_steps st
  set retired_at = v_now, is_entry_point = false
  where st.sequence_id = p_sequence_id and st.retired_at is null;
  perform drip._insert_steps(p_sequence_id, (
    -- the place in the list counts; a step that is no longer the entry step loses its token
    select jsonb_agg(
      case
        when jsonb_typeof(e.value) <> 'object' then e.value
        when e.place > 1 and lower(e.value ->> 'trigger') = lower(v_sequence.trigger)
          then e.value - array['day_number', 'is_entry_point', 'trigger']
        else e.value - array['day_number', 'is_entry_point']
      end
      order by e.place)
    from jsonb_array_elements(p_steps) with ordinality as e (value, place)));
  for v_pair in
    select p.place, p.old_id, to_jsonb(n) as form
    from jsonb_to_recordset(v_pairs) as p (place integer, old_id bigint)
    join drip.sequence_steps n
      on n.sequence_id = p_sequence_id and n.retired_at is null and n.day_number = p.place
    where p.old_id is not null
    order by p.place
  loop
    delete from drip.sequence_steps st where st.id = (v_pair.form ->> 'id')::bigint;
    execute format(
      'update drip.sequence_steps st set (retired_at, updated_at, %1$s) = ('
      'select null::timestamptz,'
      ' case when to_jsonb(st) - $3 = to_jsonb(r) - $3 then st.updated_at else $4 end, %1$s'
      ' from pg_catalog.jsonb_populate_record(null::drip.sequence_steps, $1) r)'
      ' where st.id = $2',
      drip._column_list(v_pair.form - c_own))
    using v_pair.form, v_pair.old_id, c_own, v_now;
  end loop;
  if not v_was_planned then
    delete from drip.sequence_steps st
    where st.sequence_id = p_sequence_id and st.retired_at is not null
      and not exists (
        select from jsonb_to_recordset(v_pairs) as p (old_id bigint) where p.old_id = st.id)
      and not exists (select from drip.sequence_contacts e where e.sequence_id = p_sequence_id);
  end if;
  perform set_config('drip.editing_steps', '', true);
  perform drip._check_sequence_texts(p_sequence_id);
  perform drip._check_reach(p_sequence_id);
  perform drip._check_sequence_ready(s)
  from drip.sequences s
  where s.id = p_sequence_id and s.status in ('active', 'paused');

  update drip.sequences s
  set steps_edited_at = case when v_was_planned then v_now else s.steps_edited_at end,
    swept_at = case
      when drip._entry_token(s) is distinct from v_entry then null else s.swept_at end,
    swept_to_lead_id = case
      when drip._entry_token(s) is distinct from v_entry then 0 else s.swept_to_lead_id end
  where s.id = p_sequence_id;

  return query
    with before as (
      select (e.value ->> 'id')::bigint as id, e.value as form
      from jsonb_array_elements(v_before) e
    ),
    now_in_use as (
      select st.id, st.day_number, st.name, to_jsonb(st) as form
      from drip.sequence_steps st
      where st.sequence_id = p_sequence_id and st.retired_at is null
    ),
    compared as (
      select
        coalesce(n.id, b.id) as id,
        coalesce(n.day_number, (b.form ->> 'day_number')::integer) as step,
        coalesce(n.name, b.form ->> 'name') as name,
        b.id is not null as is_old,
        n.id is not null as is_in_use,
        array(
          select k.key
          from jsonb_each(n.form) as k (key, value)
          where b.id is not null
            and k.key <> all (c_own)
            and k.value is distinct from b.form -> k.key
          order by k.key) as changed
      from before b
      full join now_in_use n on n.id = b.id
    )
    select
      case
        when not c.is_old then 'step_added'
        when not c.is_in_use then 'step_removed'
        when c.changed = array['day_number'] or c.changed <@ array['day_number', 'is_entry_point']
          then 'step_shifted'
        else 'step_changed'
      end,
      c.step, c.name, c.id, c.changed, null::bigint, null::bigint, null::bigint,
      null::timestamptz, null::timestamptz, c.is_old
    from compared c
    where not c.is_old or not c.is_in_use or cardinality(c.changed) > 0
    order by c.is_in_use desc, c.step;

  return query
    select
      r.change, st.day_number, st.name, r.sequence_stepid, null::text[], r.enrollment_id,
      r.lead_id, r.message_id, r.at_before, r.at_after,
      exists (
        select
        from jsonb_array_elements(v_before) e
        where (e.value ->> 'id')::bigint = r.sequence_stepid)
    from drip._replan_journeys(p_sequence_id, v_old) r
    join drip.sequence_steps st on st.id = r.sequence_stepid
    order by r.enrollment_id, coalesce(r.at_after, r.at_before), st.day_number;
end
$$;
comment on function drip._replace_steps(bigint, jsonb) is
  'replace_steps without its rehearsal.';

create function drip._match_steps(p_before jsonb, p_steps jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pairs jsonb;
  v_wrong record;
begin
  if jsonb_typeof(p_steps) <> 'array' then
    perform drip._fail(
      'DR004', 'steps is not a list', 'Write [{"content": "…"}, …].');
  end if;
  with given as (
    select
      g.place, g.step ->> 'id' as id_text, nullif(btrim(g.step ->> 'name'), '') as name
    from jsonb_array_elements(p_steps) with ordinality as g (step, place)
    where jsonb_typeof(g.step) = 'object'
  ),
  matched as (
    select g.place, g.id_text, coalesce(i.id, n.id) as old_id
    from given g
    left join lateral (
      select (b.value ->> 'id')::bigint as id
      from jsonb_array_elements(p_before) b
      where b.value ->> 'id' = g.id_text
    ) i on true
    left join lateral (
      select (b.value ->> 'id')::bigint as id
      from jsonb_array_elements(p_before) b
      where g.id_text is null and b.value ->> 'name' = g.name
        -- ids before names
        and not exists (select from given o where o.id_text = b.value ->> 'id')
    ) n on true
  )
  select jsonb_agg(jsonb_build_object(
    'place', m.place, 'old_id', m.old_id, 'id_text', m.id_text) order by m.place)
  into v_pairs
  from matched m;
  select p.place, p.id_text, p.old_id
  into v_wrong
  from jsonb_to_recordset(v_pairs) as p (place integer, id_text text, old_id bigint)
  where p.id_text is not null and p.old_id is null
  order by p.place
  limit 1;
  if found then
    perform drip._fail(
      'DR012',
      format('steps[%s].id: the sequence has no step %s', v_wrong.place,
             quote_literal(left(v_wrong.id_text, 40))),
      'get_sequence shows the ids of its steps; leave id out for a new one.');
  end if;
  select p.old_id, min(p.place) as first_place, max(p.place) as last_place
  into v_wrong
  from jsonb_to_recordset(v_pairs) as p (place integer, old_id bigint)
  where p.old_id is not null
  group by p.old_id
  having count(*) > 1
  limit 1;
  if found then
    perform drip._fail(
      'DR004',
      format('steps[%s] and steps[%s] are the same step', v_wrong.first_place,
             v_wrong.last_place),
      'Leave id and name out of the copy.');
  end if;
  return coalesce(v_pairs, '[]');
end
$$;
comment on function drip._match_steps(jsonb, jsonb) is
  'The existing step of each step in a list, by its id, else by its name: [{place, old_id}].';
