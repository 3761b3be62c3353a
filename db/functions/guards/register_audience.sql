-- Reads the view with the rights of drip_guard: the view's owner grants that role what a campaign
-- may read, so that no campaign reads what its author may not.
create function drip.register_audience(
  p_view text, p_max_rows bigint default 1000000,
  p_time_limit interval default interval '20 seconds',
  p_name text default null, p_key text default null, p_user text default null,
  p_description text default null)
returns table (
  name text, view_name text, key_column text, max_rows bigint, time_limit interval,
  user_name text, "rows" bigint, took interval, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_view record;
  v_audience drip.audiences;
  v_old drip.audiences;
  v_rows bigint;
  v_began timestamptz;
  v_took interval;
  v_outcome text := 'registered';
begin
  perform drip._require_role('drip_operator');
  if p_max_rows is null or p_max_rows < 1 or p_max_rows > 10000000 then
    perform drip._fail(
      'DR001', format('p_max_rows is not between 1 and 10000000: %s',
                      coalesce(p_max_rows::text, 'null')),
      'Pass the most leads that the view may ever name; planning fails above it.');
  end if;
  if p_time_limit is null
    or p_time_limit not between interval '100 milliseconds' and interval '10 minutes'
  then
    perform drip._fail(
      'DR001', format('p_time_limit is not between 0.1 seconds and 10 minutes: %s',
                      coalesce(p_time_limit::text, 'null')),
      'Pass an interval such as ''20 seconds''.');
  end if;
  select v.* into v_view from drip._find_audience_view(p_view, p_key) v;
  v_audience.name := coalesce(nullif(btrim(p_name), ''), v_view.short_name);
  perform drip._check_key(v_audience.name, 'p_name');
  if v_audience.name ~ e'^\\d+$' then
    perform drip._fail(
      'DR001', 'the name of an audience is all digits', 'Choose a name with a letter in it.');
  end if;
  v_audience.view_name := v_view.qualified_name;
  v_audience.key_column := v_view.key_column;
  v_audience.max_rows := p_max_rows;
  v_audience.time_limit := p_time_limit;
  v_audience.description := nullif(btrim(p_description), '');
  if nullif(btrim(p_user), '') is not null then
    v_audience.user_id := (drip._find_user(p_user)).id;
  end if;
  -- an external_id means another person for each tenant
  if v_audience.key_column = 'external_id' and v_audience.user_id is null then
    if (select count(*) from drip.users u where u.is_active) > 1 then
      perform drip._fail(
        'DR001', 'an external_id identifies a lead only within a tenant',
        'Pass p_user, or give the view a column lead_id.');
    end if;
  end if;
  perform drip._let_guard_read(v_view.relation);

  select a.* into v_old from drip.audiences a where a.name = v_audience.name for no key update;
  if v_old.name is not null then
    perform drip._check_audience_users(v_old, v_audience.user_id);
  end if;
  v_began := drip._wall_clock();
  v_rows := drip._try_audience(v_view.relation, v_audience);
  v_took := drip._wall_clock() - v_began;
  if v_took > v_audience.time_limit then
    perform drip._fail_slow_audience(v_audience);
  end if;

  if v_old.name is null then
    insert into drip.audiences as a (
      name, key_column, user_id, description, view_name, max_rows, time_limit, created_at)
    values (
      v_audience.name, v_audience.key_column, v_audience.user_id, v_audience.description,
      v_audience.view_name, v_audience.max_rows, v_audience.time_limit, drip.now());
  elsif (v_old.key_column, v_old.user_id, v_old.view_name, v_old.max_rows, v_old.time_limit,
         v_old.description, v_old.unregistered_at)
    is distinct from
    (v_audience.key_column, v_audience.user_id, v_audience.view_name, v_audience.max_rows,
     v_audience.time_limit, coalesce(v_audience.description, v_old.description), null)
  then
    update drip.audiences a
    set key_column = v_audience.key_column,
      user_id = v_audience.user_id,
      description = coalesce(v_audience.description, a.description),
      view_name = v_audience.view_name,
      max_rows = v_audience.max_rows,
      time_limit = v_audience.time_limit,
      unregistered_at = null
    where a.name = v_audience.name;
    v_outcome := case when v_old.unregistered_at is null then 'updated' else 'registered' end;
  else
    v_outcome := 'unchanged';
  end if;
  if v_outcome <> 'unchanged' then
    perform drip._audit(
      v_audience.user_id, 'register_audience', 'audience', null, null,
      jsonb_build_object(
        'audience', v_audience.name, 'view', v_audience.view_name,
        'max_rows', v_audience.max_rows, 'time_limit', v_audience.time_limit));
  end if;
  return query
    select
      a.name, a.view_name, a.key_column, a.max_rows, a.time_limit, u.name, v_rows,
      date_trunc('milliseconds', v_took), v_outcome
    from drip.audiences a
    left join drip.users u on u.id = a.user_id
    where a.name = v_audience.name;
end
$$;
comment on function drip.register_audience(text, bigint, interval, text, text, text, text) is
  'Makes a view, materialized view or table an audience that campaigns may name in audience and
   exclude. It identifies leads by one column lead_id, external_id or phone (p_key where it has
   several) and is read as drip_guard, once per campaign. Planning a campaign fails when it returns
   more than p_max_rows distinct keys (a million) or takes longer than p_time_limit (20 s). p_user:
   the only tenant that may name it. Repeat it for changes. rows and took are from a trial, as that
   tenant sees the view; without p_user, as the caller''s first tenant does. Outcomes: registered,
   updated, unchanged.';
grant execute on function drip.register_audience(text, bigint, interval, text, text, text, text)
  to drip_operator;

create function drip._find_audience_view(p_view text, p_key text)
returns table (relation regclass, qualified_name text, short_name text, key_column text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_keys constant text[] := array['lead_id', 'external_id', 'phone'];
  v_parts text[];
  v_found record;
  v_columns text[];
  v_key text := nullif(btrim(p_key), '');
  v_type text;
begin
  begin
    v_parts := parse_ident(p_view);
  exception
    when invalid_parameter_value then
      v_parts := '{}';
  end;
  if coalesce(cardinality(v_parts), 0) not in (1, 2) then
    perform drip._fail(
      'DR001',
      format('%s is not the name of a view', coalesce(quote_literal(left(p_view, 60)), 'null')),
      'Write schema and name, as in shop.regulars; without a schema it is looked up in public.');
  end if;
  if cardinality(v_parts) = 1 then
    v_parts := array['public'] || v_parts;
  end if;
  if v_parts[1] in ('pgmq', 'procrastinate', 'information_schema', 'drip')
    or starts_with(v_parts[1], 'pg_')
  then
    perform drip._fail(
      'DR004', format('%I.%I is not a view of yours', v_parts[1], v_parts[2]),
      'Create the view of an audience in a schema of your own.');
  end if;
  select c.oid, c.relkind, n.nspname, c.relname
  into v_found
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = v_parts[1] and c.relname = v_parts[2];
  if v_found.oid is null then
    perform drip._fail(
      'DR012', format('there is no view %I.%I', v_parts[1], v_parts[2]),
      coalesce(
        'The nearest one there is ' || drip._nearest(v_parts[2], array(
          select c.relname::text
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = v_parts[1] and c.relkind in ('v', 'm', 'r', 'p', 'f'))) || '.',
        'Make it: a view with a column lead_id, external_id or phone.'));
  end if;
  if v_found.relkind not in ('v', 'm', 'r', 'p', 'f') then
    perform drip._fail(
      'DR004', format('%I.%I is neither a view nor a table', v_parts[1], v_parts[2]),
      'An audience is a view, a materialized view or a table.');
  end if;
  v_columns := array(
    select a.attname::text
    from pg_catalog.pg_attribute a
    where a.attrelid = v_found.oid and a.attnum > 0 and not a.attisdropped
      and a.attname = any (c_keys)
    order by array_position(c_keys, a.attname::text));
  if v_key is not null and v_key <> all (v_columns) then
    perform drip._fail(
      'DR004', format('%I.%I has no column %s that names leads', v_parts[1], v_parts[2],
                      quote_literal(left(v_key, 60))),
      format('It has %s.',
             coalesce(nullif(array_to_string(v_columns, ' and '), ''),
                      'none of lead_id, external_id and phone')));
  elsif cardinality(v_columns) = 0 then
    perform drip._fail(
      'DR004',
      format('%I.%I has none of the columns lead_id, external_id and phone', v_parts[1],
             v_parts[2]),
      'Rename a column in the view, as in: select c.mobile as phone.');
  elsif v_key is null and cardinality(v_columns) > 1 then
    perform drip._fail(
      'DR004',
      format('%I.%I could identify its leads by %s', v_parts[1], v_parts[2],
             array_to_string(v_columns, ' or ')),
      format('Say which: p_key => %s.', quote_literal(v_columns[1])));
  end if;
  v_key := coalesce(v_key, v_columns[1]);
  select format_type(a.atttypid, null)
  into v_type
  from pg_catalog.pg_attribute a
  where a.attrelid = v_found.oid and a.attname = v_key;
  if v_key = 'lead_id' and v_type not in ('bigint', 'integer', 'smallint')
    or v_key = 'phone' and v_type not in ('text', 'character varying', 'citext')
    or v_key = 'external_id'
      and v_type not in (
        'text', 'character varying', 'citext', 'bigint', 'integer', 'smallint', 'uuid')
  then
    perform drip._fail(
      'DR004', format('the column %s of %I.%I is a %s', v_key, v_parts[1], v_parts[2], v_type),
      format('Cast it in the view: ::%s as %s.',
             case v_key when 'lead_id' then 'bigint' else 'text' end, v_key));
  end if;
  return query select
    v_found.oid::regclass,
    format('%I.%I', v_found.nspname, v_found.relname),
    case when v_found.nspname = 'public' then v_found.relname::text
      else format('%s.%s', v_found.nspname, v_found.relname) end,
    v_key;
end
$$;
comment on function drip._find_audience_view(text, text) is
  'The view of that name and the column of its keys; DR001, DR004 or DR012 say why not.';

-- A caller who may not read a view must not learn through a campaign who is in it.
create function drip._let_guard_read(p_relation regclass) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_caller constant name :=
    coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
  v_relation record;
begin
  select c.oid, n.nspname, c.relname, o.rolname as owner
  into v_relation
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_roles o on o.oid = c.relowner
  where c.oid = p_relation;
  if not pg_catalog.has_table_privilege(v_caller, p_relation, 'select')
    or not pg_catalog.has_schema_privilege(v_caller, v_relation.nspname, 'usage')
  then
    perform drip._fail(
      'DR005',
      format('%s may not read %I.%I', quote_ident(v_caller), v_relation.nspname,
             v_relation.relname),
      format('Its owner %I can grant that.', v_relation.owner));
  end if;
  if pg_catalog.pg_has_role(v_caller, v_relation.owner, 'usage') then
    begin
      if not pg_catalog.has_table_privilege('drip_guard', p_relation, 'select') then
        execute format(
          'grant select on %I.%I to drip_guard', v_relation.nspname, v_relation.relname);
      end if;
    exception
      when insufficient_privilege then
        null;
    end;
  end if;
  if not pg_catalog.has_table_privilege('drip_guard', p_relation, 'select')
    or not pg_catalog.has_schema_privilege('drip_guard', v_relation.nspname, 'usage')
  then
    perform drip._fail(
      'DR005',
      format('drip_guard may not read %I.%I', v_relation.nspname, v_relation.relname),
      format('Once, as its owner: grant usage on schema %1$I to drip_guard; '
             || 'grant select on %1$I.%2$I to drip_guard;',
             v_relation.nspname, v_relation.relname));
  end if;
end
$$;
comment on function drip._let_guard_read(regclass) is
  'DR005 unless the caller and drip_guard may read the view; grants it where its owner calls.';

create function drip._try_audience(p_relation regclass, p_audience drip.audiences)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rows bigint;
begin
  begin
    -- an audience for all tenants is tried as the caller's first tenant will see it
    v_rows := cardinality(drip._audience_keys(
      p_relation, p_audience.key_column, p_audience.max_rows + 1,
      coalesce(p_audience.user_id, (drip._mapped_users())[1], 0)));
  exception
    when others then
      perform drip._fail(
        'DR018',
        format('the audience %s cannot be read: %s', quote_literal(p_audience.name), sqlerrm),
        case
          when sqlstate = '42501'
            then 'It is read with the rights of drip_guard: grant it what the view lacks.'
          else 'Mend the view first.'
        end);
  end;
  if v_rows > p_audience.max_rows then
    perform drip._fail(
      'DR018',
      format('the audience %s returns more leads than its limit of %s',
             quote_literal(p_audience.name),
             p_audience.max_rows),
      'Pass a higher p_max_rows, or narrow the view.');
  end if;
  return v_rows;
end
$$;
comment on function drip._try_audience(regclass, drip.audiences) is
  'The number of distinct keys in the view now; DR018 when it cannot be read within its bound.';

-- Live campaigns of other tenants would lose their audience.
create function drip._check_audience_users(p_audience drip.audiences, p_user_id bigint)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other text := (
    select u.name
    from drip.campaigns c
    join drip.users u on u.id = c.user_id
    where p_audience.name in (c.audience, c.exclude)
      and c.status not in ('completed', 'cancelled')
      and c.user_id <> p_user_id
    order by u.name
    limit 1);
begin
  if v_other is not null then
    perform drip._fail(
      'DR005',
      format('a campaign of %s names the audience %s', quote_literal(v_other),
             quote_literal(p_audience.name)),
      'Leave p_user out, or register it under another p_name.');
  end if;
end
$$;
comment on function drip._check_audience_users(drip.audiences, bigint) is
  'DR005 when an audience would be taken from a tenant that uses it.';
