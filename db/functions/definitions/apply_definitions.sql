-- A file defines each object completely: a missing key means its default. The dry run executes the
-- same statements and rolls them back. One refused object refuses the whole file.
create function drip.apply_definitions(p_definitions jsonb, p_dry_run boolean default true)
returns table (
  kind text, name text, change text, step integer, step_name text, key text,
  value_before jsonb, value_after jsonb, messages bigint, leads bigint,
  at_before timestamptz, at_after timestamptz, applied boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_objects jsonb;
  v_object record;
  v_found jsonb;
  v_rows jsonb := '[]';
  v_code text;
  v_message text;
  v_hint text;
begin
  perform drip._require_role('drip_app');
  perform drip._check_json(p_definitions, 'definition', 'p_definitions');
  v_objects := drip._list_definitions(p_definitions);
  begin
    -- locks in one order, for concurrent calls
    perform
    from drip.sequences s
    where s.user_id = v_user
      and s.name in (
        select o.name
        from jsonb_to_recordset(v_objects) as o (kind text, name text)
        where o.kind = 'sequence')
    order by s.id
    for no key update;
    perform
    from drip.campaigns c
    where c.user_id = v_user
      and c.title in (
        select o.name
        from jsonb_to_recordset(v_objects) as o (kind text, name text)
        where o.kind = 'campaign')
    order by c.id
    for no key update;
    for v_object in
      select o.*
      from jsonb_to_recordset(v_objects) as o (
        kind text, name text, path text, place integer, definition jsonb)
      order by o.kind desc, o.place
    loop
      begin
        if v_object.kind = 'sequence' then
          select jsonb_agg(r.*)
          into v_found
          from drip._apply_sequence(v_user, v_object.name, v_object.definition) r;
        else
          select jsonb_agg(r.*)
          into v_found
          from drip._apply_campaign(v_user, v_object.name, v_object.definition) r;
        end if;
        v_rows := v_rows || (
          select jsonb_agg(
            e.value || jsonb_build_object('kind', v_object.kind, 'name', v_object.name)
            order by e.place)
          from jsonb_array_elements(v_found) with ordinality as e (value, place));
      exception
        when others then
          get stacked diagnostics
            v_code = returned_sqlstate, v_message = message_text, v_hint = pg_exception_hint;
          if v_code not like 'DR%' then
            raise;
          end if;
          perform drip._fail(
            v_code,
            coalesce(
              v_object.kind || ' ' || quote_literal(v_object.name), v_object.path)
              || ': ' || v_message,
            v_hint, v_object.path);
      end;
    end loop;
    if coalesce(p_dry_run, true) then
      raise exception using errcode = 'DR999';
    end if;
  exception
    when sqlstate 'DR999' then
      null;
  end;
  return query
    select
      r.kind, r.name, r.change, r.step, r.step_name, r.key, r.value_before, r.value_after,
      r.messages, r.leads, r.at_before, r.at_after, not coalesce(p_dry_run, true)
    from rows from (jsonb_to_recordset(v_rows) as (
      kind text, name text, change text, step integer, step_name text, key text,
      value_before jsonb, value_after jsonb, messages bigint, leads bigint,
      at_before timestamptz, at_after timestamptz)) with ordinality as r
    order by r.ordinality;
end
$$;
comment on function drip.apply_definitions(jsonb, boolean) is
  'Makes sequences and campaigns equal to {"sequences": […], "campaigns": […]}, each as for
   create_…; others stay. Lists the differences (created, changed, step_added, step_changed,
   step_shifted, step_removed, unchanged) and whom they concern (matches: leads that would enroll;
   audience: leads of a campaign; waiting: planned messages that follow; moves, gains, loses:
   messages by step, with their earliest time before and after). p_dry_run true changes nothing. It
   starts and schedules nothing.';
grant execute on function drip.apply_definitions(jsonb, boolean) to drip_app;

-- The objects of a file in one list, identified by name.
create function drip._list_definitions(p_definitions jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_lists constant text[] := array['sequences', 'campaigns'];
  v_wrong text;
  v_objects jsonb;
  v_twice record;
begin
  if jsonb_typeof(p_definitions) is distinct from 'object' then
    perform drip._fail(
      'DR001', 'the definitions are not an object',
      'Write {"sequences": [{"name": "Warm"}], "campaigns": [{"title": "Raya"}]}.');
  end if;
  select k.key into v_wrong
  from jsonb_object_keys(p_definitions) as k (key)
  where k.key <> all (c_lists)
  order by k.key
  limit 1;
  if found then
    perform drip._fail(
      'DR003', format('unknown key %s', quote_literal(v_wrong)),
      format('The nearest known one is %s.', quote_literal(drip._nearest(v_wrong, c_lists))));
  end if;
  select l.key into v_wrong
  from jsonb_each(p_definitions) as l (key, value)
  where jsonb_typeof(l.value) not in ('array', 'null')
  order by l.key
  limit 1;
  if found then
    perform drip._fail(
      'DR004', format('%s is not a list', v_wrong),
      format('Write "%s": [{}, {}].', v_wrong), v_wrong);
  end if;
  perform drip._check_count(
    sum(jsonb_array_length(l.value))::bigint, 'definitions', 'the definitions')
  from jsonb_each(p_definitions) as l (key, value)
  where jsonb_typeof(l.value) = 'array';
  select jsonb_agg(jsonb_build_object(
    'kind', rtrim(l.key, 's'), 'place', d.place, 'path', format('%s[%s]', l.key, d.place),
    'definition', d.definition,
    'name', btrim(case when jsonb_typeof(d.definition) = 'object' then
      d.definition ->> case l.key when 'sequences' then 'name' else 'title' end end)))
  into v_objects
  from jsonb_each(p_definitions) as l (key, value)
  cross join lateral jsonb_array_elements(
    case jsonb_typeof(l.value) when 'array' then l.value else '[]' end)
    with ordinality as d (definition, place);
  select min(o.path) as first_path, max(o.path) as last_path, o.name
  into v_twice
  from jsonb_to_recordset(v_objects) as o (kind text, name text, path text)
  where o.name is not null
  group by o.kind, o.name
  having count(*) > 1
  order by o.name
  limit 1;
  if found then
    perform drip._fail(
      'DR013',
      format('%s and %s are both %s', v_twice.first_path, v_twice.last_path,
             quote_literal(v_twice.name)),
      'Each object is defined once.', v_twice.last_path);
  end if;
  return coalesce(v_objects, '[]');
end
$$;
comment on function drip._list_definitions(jsonb) is
  'The list of definitions [{kind, name, path, place, definition}], before validation.';
