-- Writes only values that differ from the default, in the order of the columns, so that each line
-- of a diff is a decision. json and not jsonb, because it keeps that order.
create function drip.export_definitions(p_names text[] default null)
returns table (kind text, name text, definition json)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set time zone 'UTC'
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_wanted constant text[] := (select array_agg(btrim(n.name)) from unnest(p_names) as n (name));
  v_known text[];
  v_missing text;
begin
  perform drip._require_role('drip_app');
  perform drip._check_count(cardinality(p_names), 'definitions', 'the names');
  if cardinality(p_names) > 0 then
    v_known := array(
      select s.name from drip.sequences s where s.user_id = v_user
      union all
      select c.title from drip.campaigns c where c.user_id = v_user);
    select n.name into v_missing
    from unnest(v_wanted) as n (name)
    where n.name is null or not exists (
      select from unnest(v_known) as k (name) where k.name = n.name)
    limit 1;
    if found then
      perform drip._fail(
        'DR012',
        format('there is no sequence and no campaign %s', quote_nullable(v_missing)),
        coalesce(
          'The nearest name is ' || quote_literal(drip._nearest(v_missing, v_known)) || '.',
          'There are none yet; create_sequence and create_campaign create them.'));
    end if;
  end if;
  return query
    select 'sequence', s.name, drip._brief_sequence(s)
    from drip.sequences s
    where s.user_id = v_user
      and case
        when cardinality(p_names) > 0 then s.name in (
          select w.name from unnest(v_wanted) as w (name))
        else s.status <> 'archived'
      end
    order by s.name collate "C";
  return query
    select 'campaign', c.title, drip._brief_campaign(c)
    from drip.campaigns c
    where c.user_id = v_user
      and case
        when cardinality(p_names) > 0 then c.title in (
          select w.name from unnest(v_wanted) as w (name))
        else c.status <> 'cancelled'
      end
    order by c.title collate "C";
end
$$;
comment on function drip.export_definitions(text[]) is
  'The definitions of these sequences and campaigns by name, else of all but archived and cancelled
   ones, without default values; apply_definitions finds no difference to them.';
grant execute on function drip.export_definitions(text[]) to drip_app;

create function drip._brief_sequence(p_sequence drip.sequences) returns json
language sql stable
as $$
  select json_object_agg(q.key, q.value order by q.place)
  from (
    select b.key, b.value::json as value, b.place
    from drip._non_default_keys(
      drip._sequence_definition(p_sequence.id) - 'steps', 'drip.sequences',
      drip._column_defaults('drip.sequences')
      -- the default of a utility sequence
      || case p_sequence.category when 'utility' then '{"priority": 1}' else '{}' end::jsonb) b
    union all
    select 'steps', json_agg(t.step order by st.place), 100000
    from (
      select
        e.place, e.value,
        -- the trigger that it would get by default
        case
          when e.place = 1 then p_sequence.trigger
          else lag(e.value ->> 'next_trigger') over (order by e.place)
        end as trigger
      from jsonb_array_elements(drip._sequence_definition(p_sequence.id) -> 'steps')
        with ordinality as e (value, place)
    ) st
    cross join lateral (
      select coalesce(json_object_agg(b.key, b.value order by b.place), '{}') as step
      from drip._non_default_keys(
        st.value - array['day_number', 'is_entry_point'], 'drip.sequence_steps',
        drip._column_defaults('drip.sequence_steps')
        || jsonb_build_object('trigger', st.trigger)) b
    ) t
    having count(*) > 0
  ) q
$$;
comment on function drip._brief_sequence(drip.sequences) is
  'The definition of a sequence without default values.';

create function drip._brief_campaign(p_campaign drip.campaigns) returns json
language sql stable
as $$
  select json_object_agg(b.key, b.value order by b.place)
  from drip.users u
  cross join lateral (
    select p_campaign.scheduled_at at time zone u.time_zone as local
  ) w
  cross join lateral drip._non_default_keys(
    drip._campaign_definition(p_campaign.id)
    -- local time of the tenant; with the offset only where a clock change makes it ambiguous
    || jsonb_build_object('scheduled_at', case
      when drip._local_instant(w.local, u.time_zone) = p_campaign.scheduled_at
        then to_char(w.local, case
          when w.local = date_trunc('minute', w.local) then 'YYYY-MM-DD HH24:MI'
          when w.local = date_trunc('second', w.local) then 'YYYY-MM-DD HH24:MI:SS'
          else 'YYYY-MM-DD HH24:MI:SS.US' end)
      else p_campaign.scheduled_at::text end),
    'drip.campaigns', drip._column_defaults('drip.campaigns')) b
  where u.id = p_campaign.user_id
$$;
comment on function drip._brief_campaign(drip.campaigns) is
  'The definition of a campaign without default values.';

create function drip._non_default_keys(
  p_definition jsonb, p_table regclass, p_defaults jsonb)
returns table (key text, value jsonb, place integer)
language sql stable
as $$
  select
    d.key,
    case
      when a.atttypid = 'time'::regtype and d.value #>> '{}' like '%:00'
        then to_jsonb(left(d.value #>> '{}', 5))
      else d.value
    end,
    coalesce(a.attnum, 10000)::integer
  from jsonb_each(p_definition) as d (key, value)
  left join pg_catalog.pg_attribute a
    on a.attrelid = p_table
    and a.attname = case d.key when 'device' then 'device_id' else d.key end
  where d.value is distinct from coalesce(p_defaults -> d.key, 'null')
$$;
comment on function drip._non_default_keys(jsonb, regclass, jsonb) is
  'The keys of a definition that differ from the default, and their places in the column order.';

-- Defaults are constants (a rule of the tables), so they can be evaluated without a row.
create function drip._column_defaults(p_table regclass) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_defaults jsonb;
begin
  execute (
    select format(
      'select jsonb_build_object(%s)',
      string_agg(
        format('%L, %s', a.attname, pg_catalog.pg_get_expr(f.adbin, f.adrelid)), ', '))
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
    where a.attrelid = p_table and a.attgenerated = '' and not a.attisdropped)
  into v_defaults;
  return v_defaults;
end
$$;
comment on function drip._column_defaults(regclass) is
  'The defaults of the columns of a table: {"column": value}.';
