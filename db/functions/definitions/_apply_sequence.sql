-- Creates a second sequence from the file, reads it back with its defaults and rolls that back, so
-- that old and new definition compare key by key. The messages before and after the edit show which
-- contacts it concerns.
create function drip._apply_sequence(p_user bigint, p_name text, p_definition jsonb)
returns table (
  change text, step integer, step_name text, key text, value_before jsonb, value_after jsonb,
  messages bigint, leads bigint, at_before timestamptz, at_after timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_definition constant jsonb := drip._sequence_from_file(p_user, p_definition);
  v_id bigint;
  v_copy bigint;
  v_old jsonb;
  v_old_steps jsonb;
  v_wanted jsonb;
  v_steps jsonb;
  v_changes jsonb;
  v_by_hours boolean;
  v_before jsonb;
  v_constraint text;
  v_detail text;
begin
  select s.id into v_id from drip.sequences s where s.user_id = p_user and s.name = p_name;
  if v_id is null then
    return query select 'created', q.* from drip._no_change() q;
    select r.sequence_id into v_id from drip.create_sequence(v_definition) r;
    return query select r.* from drip._entering(v_id) r;
    return;
  end if;
  begin
    v_copy := drip._insert_sequence(
      p_user, v_definition || jsonb_build_object('name', 'the same as ' || v_id || '?'));
    v_wanted := drip._sequence_definition(v_copy) - 'name';
    raise exception using errcode = 'DR999';
  exception
    when sqlstate 'DR999' then
      null;
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  v_old := drip._sequence_definition(v_id);
  v_old_steps := drip._listed_steps(v_id);
  v_steps := drip._pair_steps(v_old_steps, v_wanted -> 'steps');
  v_changes := drip._different_keys(v_wanted - 'steps', v_old);
  if v_changes = '{}' and v_steps = v_old_steps then
    return query select 'unchanged', q.* from drip._no_change() q;
    return;
  end if;

  -- no message is planned from the old definition meanwhile
  perform from drip.sequences s where s.id = v_id for update;
  v_by_hours := v_changes ?| drip._hour_keys();
  select jsonb_agg(w.*) into v_before from drip._waiting_times(v_id, v_by_hours) w;
  if v_changes <> '{}' then
    perform from drip.update_sequence(v_id::text, v_changes);
  end if;
  if v_steps <> v_old_steps then
    perform from drip.replace_steps(v_id::text, v_steps, false);
  end if;

  return query
    select
      'changed', null::integer, null::text, w.key, v_old -> w.key, w.value, null::bigint,
      null::bigint, null::timestamptz, null::timestamptz
    from jsonb_each(v_changes) as w (key, value)
    order by w.key;
  return query select r.* from drip._compared_steps(v_old_steps, v_steps) r;
  if v_changes ?| array['trigger', 'niche', 'target_status', 'auto_enroll'] then
    return query select r.* from drip._entering(v_id) r;
  end if;
  return query select r.* from drip._concerned(v_id, v_by_hours, v_before) r;
end
$$;
comment on function drip._apply_sequence(bigint, text, jsonb) is
  'Applies a file''s definition to one sequence; rows as those of apply_definitions.';

create function drip._sequence_from_file(p_user bigint, p_definition jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_definition jsonb := drip._read_plainly(p_definition, drip._sequence_keys());
begin
  -- as for an edit: keys that only get_sequence shows are refused, since they would have no effect
  perform drip._check_object(v_definition, 'the definition');
  perform drip._read_definition(
    v_definition - 'steps', drip._sequence_keys(), '', p_user, true);
  if jsonb_typeof(v_definition -> 'steps') = 'array' then
    v_definition := v_definition || jsonb_build_object('steps', (
      select coalesce(jsonb_agg(
        drip._read_plainly(e.value, drip._step_keys()) order by e.place), '[]')
      from jsonb_array_elements(v_definition -> 'steps') with ordinality as e (value, place)));
    perform drip._read_definition(
      e.value, drip._step_keys(), format('steps[%s].', e.place), p_user, true)
    from jsonb_array_elements(v_definition -> 'steps') with ordinality as e (value, place);
  elsif jsonb_typeof(v_definition -> 'steps') = 'null' then
    v_definition := v_definition - 'steps';
  end if;
  return v_definition;
end
$$;
comment on function drip._sequence_from_file(bigint, jsonb) is
  'A file''s definition of a sequence in the form that create_sequence takes.';

-- A file has no ids. A step in it means the existing step of the same name; else one with the same
-- content; else, where neither has a name, the next in order.
create function drip._pair_steps(p_before jsonb, p_steps jsonb) returns jsonb
language sql immutable
as $$
  with before as (
    select
      (e.value ->> 'id')::bigint as id, e.place, e.value ->> 'name' as name,
      e.value - array['id', 'name', 'day_number', 'is_entry_point', 'trigger'] as form
    from jsonb_array_elements(p_before) with ordinality as e (value, place)
  ),
  given as (
    select
      e.value as step, e.place, e.value ->> 'name' as name,
      e.value - array['name', 'day_number', 'is_entry_point', 'trigger'] as form
    from jsonb_array_elements(p_steps) with ordinality as e (value, place)
  ),
  by_name as (
    select g.place, b.id
    from given g
    join before b on b.name = g.name
  ),
  by_form as (
    select g.place, b.id
    from (
      select g.*, row_number() over (partition by g.form order by g.place) as nth
      from given g
      where not exists (select from by_name n where n.place = g.place)
    ) g
    join (
      select b.*, row_number() over (partition by b.form order by b.place) as nth
      from before b
      where not exists (select from by_name n where n.id = b.id)
    ) b on b.form = g.form and b.nth = g.nth
  ),
  by_order as (
    select g.place, b.id
    from (
      select g.place, row_number() over (order by g.place) as nth
      from given g
      where g.name is null and not exists (select from by_form f where f.place = g.place)
    ) g
    join (
      select b.id, row_number() over (order by b.place) as nth
      from before b
      where b.name is null and not exists (select from by_form f where f.id = b.id)
    ) b on b.nth = g.nth
  ),
  pairs as (
    select n.place, n.id from by_name n
    union all
    select f.place, f.id from by_form f
    union all
    select o.place, o.id from by_order o
  )
  select coalesce(
    jsonb_agg(
      g.step || case when p.id is null then '{}' else jsonb_build_object('id', p.id) end
      order by g.place),
    '[]')
  from given g
  left join pairs p on p.place = g.place
$$;
comment on function drip._pair_steps(jsonb, jsonb) is
  'The steps of a file, each with the id of the existing step it means, if any.';

create function drip._compared_steps(p_before jsonb, p_after jsonb)
returns table (
  change text, step integer, step_name text, key text, value_before jsonb, value_after jsonb,
  messages bigint, leads bigint, at_before timestamptz, at_after timestamptz)
language sql stable
as $$
  with compared as (
    select
      b.value as before, a.value as after, coalesce(a.place, b.place)::integer as place,
      a.place is null as is_gone
    from jsonb_array_elements(p_before) with ordinality as b (value, place)
    full join jsonb_array_elements(p_after) with ordinality as a (value, place)
      on a.value ->> 'id' = b.value ->> 'id'
  )
  select
    case
      when c.before is null then 'step_added'
      when c.is_gone then 'step_removed'
      when k.key = 'day_number' then 'step_shifted'
      else 'step_changed'
    end,
    c.place, coalesce(c.after ->> 'name', c.before ->> 'name'), k.key, c.before -> k.key,
    c.after -> k.key, w.messages, w.leads, null::timestamptz, null::timestamptz
  from compared c
  left join lateral (
    select f.key
    from jsonb_each(c.after) as f (key, value)
    where c.before is not null
      and f.key not in ('id', 'is_entry_point')
      and f.value is distinct from c.before -> f.key
  ) k on true
  cross join lateral (
    select
      case when k.key is not null then count(*) end as messages,
      case when k.key is not null then count(distinct m.lead_id) end as leads
    from drip.broadcast_messages m
    where m.sequence_stepid = (c.after ->> 'id')::bigint
      and m.sequence_id = (
        select st.sequence_id
        from drip.sequence_steps st
        where st.id = (c.after ->> 'id')::bigint)
      and m.status = 'pending'
  ) w
  where c.before is null or c.is_gone or k.key is not null
  order by c.is_gone, c.place, k.key = 'day_number', k.key
$$;
comment on function drip._compared_steps(jsonb, jsonb) is
  'The differences between steps, key by key, and how many waiting messages each concerns.';

create function drip._entering(p_sequence_id bigint)
returns table (
  change text, step integer, step_name text, key text, value_before jsonb, value_after jsonb,
  messages bigint, leads bigint, at_before timestamptz, at_after timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence drip.sequences;
  v_token text;
begin
  select s.* into v_sequence from drip.sequences s where s.id = p_sequence_id;
  v_token := drip._entry_token(v_sequence);
  return query
    select
      'matches', null::integer, null::text, null::text, null::jsonb, null::jsonb, null::bigint,
      count(*), null::timestamptz, null::timestamptz
    from drip.leads l
    where l.user_id = v_sequence.user_id and drip._matches_sequence(l, v_sequence, v_token);
end
$$;
comment on function drip._entering(bigint) is
  'The row of apply_definitions with the number of leads that match a sequence.';

-- When hours or days change, the time is the earliest at which a message may leave.
create function drip._waiting_times(p_sequence_id bigint, p_by_hours boolean)
returns table (message_id bigint, lead_id bigint, step_id bigint, at timestamptz)
language sql stable
as $$
  -- one pass, no join: see update_sequence
  select
    q.id, max(q.lead_id), max(q.step_id),
    case
      when bool_or(q.is_leaving) then max(q.at) filter (where q.is_leaving)
      else max(q.at)
    end
  from (
    select m.id, m.lead_id, m.sequence_stepid as step_id, m.scheduled_at as at, false as is_leaving
    from drip.sequence_contacts e
    join drip.broadcast_messages m on m.sequence_contact_id = e.id
    where e.sequence_id = p_sequence_id and e.completed_at is null and m.status = 'pending'
    union all
    select t.message_id, t.lead_id, t.step_id, t.at, true
    from drip._leaving_times(p_sequence_id) t
    where p_by_hours
  ) q
  group by q.id
$$;
comment on function drip._waiting_times(bigint, boolean) is
  'The pending messages of a sequence''s journeys and their times; null = never.';

create function drip._concerned(p_sequence_id bigint, p_by_hours boolean, p_before jsonb)
returns table (
  change text, step integer, step_name text, key text, value_before jsonb, value_after jsonb,
  messages bigint, leads bigint, at_before timestamptz, at_after timestamptz)
language sql stable
as $$
  with before as materialized (
    select b.message_id, b.at
    from jsonb_to_recordset(p_before) as b (message_id bigint, at timestamptz)
  ),
  waiting as materialized (
    select w.* from drip._waiting_times(p_sequence_id, p_by_hours) w
  ),
  differences as (
    select 'moves' as change, w.step_id, w.lead_id, b.at as old, w.at as new
    from before b
    join waiting w on w.message_id = b.message_id
    where w.at is distinct from b.at
    union all
    select 'gains', w.step_id, w.lead_id, null, w.at
    from waiting w
    where not exists (select from before b where b.message_id = w.message_id)
    union all
    select 'loses', m.sequence_stepid, m.lead_id, b.at, null
    from before b
    join drip.broadcast_messages m on m.id = b.message_id
    where m.status in ('cancelled', 'skipped', 'expired')
  )
  select
    d.change, st.day_number, st.name, null::text, null::jsonb, null::jsonb, count(*),
    count(distinct d.lead_id), min(d.old), min(d.new)
  from differences d
  join drip.sequence_steps st on st.id = d.step_id
  group by d.change, st.id
  union all
  select
    'waiting', null, null, null, null, null, count(*), count(distinct w.lead_id), null,
    min(w.at)
  from waiting w
  having count(*) > 0
  order by 2, 1
$$;
comment on function drip._concerned(bigint, boolean, jsonb) is
  'The messages that an edit of a sequence moves, adds or removes, and all that wait.';
