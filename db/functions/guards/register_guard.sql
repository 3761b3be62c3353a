-- The function will run with the rights of drip_guard, and nobody else may call it, so only its
-- owner may hand it over: anything else would give access to foreign code and foreign rights.
create function drip.register_guard(
  p_name text, p_function text default null, p_description text default null,
  p_user text default null)
returns table (name text, function_name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_name constant text := nullif(btrim(p_name), '');
  v_description constant text := nullif(btrim(p_description), '');
  v_function record;
  v_old drip.guards;
  v_user bigint;
  v_outcome text;
begin
  perform drip._require_role('drip_operator');
  if v_name is null then
    perform drip._fail(
      'DR001', 'the guard has no name', 'Pass p_name, such as has_paid for shop.has_paid.');
  end if;
  perform drip._check_key(v_name, 'p_name');
  select f.*
  into v_function
  from drip._find_guard_function(coalesce(
    nullif(btrim(p_function), ''),
    (select g.function_name from drip.guards g where g.name = v_name),
    v_name)) f;
  perform drip._hand_to_guard(
    v_function.function_oid, v_function.schema_name, v_function.function_name);
  select g.*
  into v_old
  from drip.guards g
  where g.name = v_name
  for no key update;
  v_user := case
    when p_user is null then v_old.user_id
    when btrim(p_user) <> '' then (drip._find_user(p_user)).id
  end;
  if v_old.name is not null then
    perform drip._check_guard_users(v_name, v_user);
  end if;
  perform drip._try_guard(v_function.qualified_name, v_user);

  if v_old.name is null then
    insert into drip.guards as g (name, function_name, description, user_id, created_at)
    values (v_name, v_function.qualified_name, v_description, v_user, drip.now());
    v_outcome := 'registered';
  elsif v_old.function_name is distinct from v_function.qualified_name
    or v_description is distinct from v_old.description and v_description is not null
    or v_user is distinct from v_old.user_id
    or v_old.errors > 0
    or v_old.suspended_until is not null
  then
    update drip.guards g
    set function_name = v_function.qualified_name,
      description = coalesce(v_description, g.description),
      user_id = v_user,
      errors = 0,
      suspended_until = null
    where g.name = v_name;
    v_outcome := 'updated';
  else
    v_outcome := 'unchanged';
  end if;
  if v_outcome <> 'unchanged' then
    perform drip._audit(
      v_user, 'register_guard', 'guard', null, null,
      jsonb_build_object('guard', v_name, 'function', v_function.qualified_name));
  end if;
  if v_old.name is not null then
    perform drip._free_guarded(v_name);
  end if;
  return query select v_name, v_function.qualified_name::text, v_outcome;
end
$$;
comment on function drip.register_guard(text, text, text, text) is
  'Makes a function (p_lead_id bigint, p_enrollment_id bigint) returns boolean a guard that exit_if
   and only_if may name; stable or immutable, in sql or plpgsql, the caller''s own. It becomes
   security definer with the rights of drip_guard, and no one else may call it. p_function defaults
   to its present function, else to p_name. p_user: the only tenant whose sequences may name it;
   '''' = all, the default of a new one. Repeat it after a change: its failures are forgotten, and
   messages deferred as guard_error ask it at once. Outcome: registered, updated, unchanged.';
grant execute on function drip.register_guard(text, text, text, text) to drip_operator;

create function drip._find_guard_function(p_function text)
returns table (
  function_oid oid, schema_name text, function_name text, qualified_name text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_arguments constant text := '(bigint, bigint)';
  v_caller constant name :=
    coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
  v_text constant text := regexp_replace(
    p_function, e'\\(\\s*bigint\\s*,\\s*bigint\\s*\\)\\s*$', '');
  v_parts text[];
  v_name text;
  v_function record;
begin
  begin
    v_parts := parse_ident(v_text);
  exception
    when invalid_parameter_value then
      v_parts := '{}';
  end;
  if cardinality(v_parts) not in (1, 2) then
    perform drip._fail(
      'DR001', format('%s is no name of a function', quote_literal(left(p_function, 60))),
      'Write it as shop.has_paid: schema and name; without a schema it is public''s.');
  end if;
  if cardinality(v_parts) = 1 then
    v_parts := array['public'] || v_parts;
  end if;
  v_name := format('%I.%I', v_parts[1], v_parts[2]);
  if v_parts[1] in ('drip', 'pgmq', 'procrastinate', 'information_schema')
    or starts_with(v_parts[1], 'pg_')
  then
    perform drip._fail(
      'DR004', format('%s is no function of yours', v_name),
      'Make the guard in a schema of your own.');
  end if;

  select
    p.oid, p.prokind, p.proretset, p.provolatile, l.lanname, o.rolname as owner,
    p.proargtypes = '20 20'::oidvector as fits, p.prorettype = 'bool'::regtype as is_boolean,
    pg_catalog.pg_get_function_result(p.oid) as result,
    pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
    exists (
      select
      from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    ) as is_of_extension
  into v_function
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
  join pg_catalog.pg_roles o on o.oid = p.proowner
  where n.nspname = v_parts[1] and p.proname = v_parts[2]
  order by p.proargtypes = '20 20'::oidvector desc, p.oid
  limit 1;
  if v_function.oid is null then
    perform drip._fail(
      'DR012', format('there is no function %s', v_name),
      coalesce(
        'The nearest one there is ' || drip._nearest(v_parts[2], array(
          select distinct p.proname::text
          from pg_catalog.pg_proc p
          join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where n.nspname = v_parts[1])) || '.',
        format('Make it: create function %s%s returns boolean stable …', v_name, c_arguments)));
  end if;
  if not v_function.fits then
    perform drip._fail(
      'DR004', format('%s takes (%s)', v_name, v_function.arguments),
      'A guard takes (p_lead_id bigint, p_enrollment_id bigint).');
  end if;
  if v_function.prokind <> 'f' or v_function.proretset or not v_function.is_boolean then
    perform drip._fail(
      'DR004', format('%s%s returns %s', v_name, c_arguments,
                      coalesce(v_function.result, 'nothing')),
      'A guard is a function that returns boolean.');
  end if;
  if v_function.lanname not in ('sql', 'plpgsql') then
    perform drip._fail(
      'DR004', format('%s%s is written in %s', v_name, c_arguments, v_function.lanname),
      'A guard is written in sql or plpgsql.');
  end if;
  if v_function.provolatile = 'v' then
    perform drip._fail(
      'DR004', format('%s%s is volatile', v_name, c_arguments),
      format('A guard only reads; if it does: alter function %s%s stable;', v_name, c_arguments));
  end if;
  if v_function.is_of_extension
    or (v_function.owner <> 'drip_guard'
        and not pg_catalog.pg_has_role(v_caller, v_function.owner, 'usage'))
  then
    perform drip._fail(
      'DR005', format('%s%s belongs to %s, not to %s', v_name, c_arguments,
                      case when v_function.is_of_extension then 'an extension'
                        else quote_ident(v_function.owner) end,
                      quote_ident(v_caller)),
      'Only its owner may make it a guard: registering gives it to drip_guard.');
  end if;
  return query select v_function.oid, v_parts[1], v_parts[2], v_name;
end
$$;
comment on function drip._find_guard_function(text) is
  'The function of that name, if the caller may make it a guard; else DR001, DR004, DR005 or DR012
   with the reason.';

create function drip._hand_to_guard(p_oid oid, p_schema text, p_function text)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function pg_catalog.pg_proc;
  v_grantee record;
begin
  select p.* into v_function from pg_catalog.pg_proc p where p.oid = p_oid;
  begin
    if v_function.proowner <> 'drip_guard'::regrole then
      execute format('alter function %I.%I(bigint, bigint) owner to drip_guard',
                     p_schema, p_function);
    end if;
    execute format('alter function %I.%I(bigint, bigint) security definer', p_schema, p_function);
    -- names without a schema are searched only in the function's own schema
    if not exists (
      select
      from unnest(v_function.proconfig) as s (setting)
      where starts_with(s.setting, 'search_path=')
    ) then
      execute format(
        'alter routine %1$I.%2$I(bigint, bigint) set search_path = pg_catalog, %1$I, pg_temp',
        p_schema, p_function);
    end if;
    for v_grantee in
      select distinct a.grantee, r.rolname
      from pg_catalog.pg_proc p
      cross join lateral aclexplode(
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
      left join pg_catalog.pg_roles r on r.oid = a.grantee
      where p.oid = p_oid and a.grantee <> p.proowner
    loop
      if v_grantee.grantee = 0 then
        execute format('revoke all on function %I.%I(bigint, bigint) from public cascade',
                       p_schema, p_function);
      else
        execute format('revoke all on function %I.%I(bigint, bigint) from %I cascade',
                       p_schema, p_function, v_grantee.rolname);
      end if;
    end loop;
  exception
    when insufficient_privilege then
      perform drip._fail(
        'DR005',
        format('%s may not give %I.%I(bigint, bigint) to drip_guard',
               quote_ident(current_user), p_schema, p_function),
        format(
          'Once, as a superuser or as its owner and a member of drip_guard: '
          || 'grant usage, create on schema %1$I to drip_guard; '
          || 'alter function %1$I.%2$I(bigint, bigint) owner to drip_guard; '
          || 'revoke create on schema %1$I from drip_guard; then register it again.',
          p_schema, p_function),
        sqlerrm);
  end;
  if not pg_catalog.has_schema_privilege('drip_guard', p_schema, 'usage') then
    perform drip._fail(
      'DR005', format('drip_guard may not use the schema %I', p_schema),
      format('grant usage on schema %I to drip_guard;', p_schema));
  end if;
end
$$;
comment on function drip._hand_to_guard(oid, text, text) is
  'Hands a function to drip_guard: security definer, a search_path, no right for anybody else.';

-- They wait a quarter of an hour at most, so the index of a device's queue has them together.
create function drip._free_guarded(p_guard text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_longest constant interval := interval '16 minutes';
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
begin
  with waiting as (
    select m.id
    from drip.user_devices d
    cross join (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    join drip.broadcast_messages m
      on m.device_id = d.id
      and m.status = 'pending'
      and m.priority = class.priority
      and m.due_at > v_now
      and m.due_at <= v_now + c_longest
    join drip.sequences s on s.id = m.sequence_id
    join drip.sequence_steps st on st.id = m.sequence_stepid
    where m.deferred_reason = 'guard_error' and p_guard in (s.exit_if, st.only_if)
    order by m.id
    for no key update of m skip locked
  ),
  freed as (
    update drip.broadcast_messages m
    set not_before = null, deferred_reason = null
    from waiting w
    where m.id = w.id
    returning m.device_id
  )
  select array_agg(distinct f.device_id) into v_devices from freed f;
  if v_devices is not null then
    perform drip._notify_wake(v_devices);
  end if;
end
$$;
comment on function drip._free_guarded(text) is
  'Has the messages that this guard defers ask it at once.';

-- Live sequences of other tenants would lose their guard.
create function drip._check_guard_users(p_guard text, p_user_id bigint) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other text := (
    select u.name
    from drip.sequences s
    join drip.users u on u.id = s.user_id
    where s.status <> 'archived'
      and s.user_id <> p_user_id
      and drip._names_guard(s, p_guard)
    order by u.name
    limit 1);
begin
  if v_other is not null then
    perform drip._fail(
      'DR005',
      format('a sequence of %s names the guard %s', quote_literal(v_other),
             quote_literal(p_guard)),
      'Leave p_user out, or register it under another p_name.');
  end if;
end
$$;
comment on function drip._check_guard_users(text, bigint) is
  'DR005 when a guard would be taken from a tenant that uses it.';

-- A missing right or a name outside of search_path would otherwise fail at the first message.
create function drip._try_guard(p_function text, p_user bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant text[] := drip._session_state();
  v_call text;
  v_problem text;
  v_state text;
  v_error text;
  v_is_over boolean := false;
begin
  select c.call, c.problem into v_call, v_problem from drip._guard_call(p_function) c;
  if v_call is null then
    perform drip._fail('DR004', v_problem, e'Look at it with \\df+ in psql.');
  end if;
  begin
    perform drip._bind_tenant(coalesce(p_user, 0));
    perform drip._call_guard(v_call, 0, 0);
    v_is_over := true;
    raise exception 'what the guard did is rolled back';
  exception
    when query_canceled then
      perform drip._reset_session(v_before);
      raise;
    when others or assert_failure then
      perform drip._reset_session(v_before);
      if not v_is_over then
        get stacked diagnostics v_state = returned_sqlstate, v_error = message_text;
      end if;
  end;
  -- other errors may be about lead 0, which does not exist
  if starts_with(v_state, '42') or v_state = '25006' then
    perform drip._fail(
      'DR004', format('%s fails as drip_guard: %s', p_function, v_error),
      case v_state
        when '42501' then 'Grant drip_guard what it reads: grant select on … to drip_guard;'
        when '25006' then 'A guard only reads.'
        else 'It finds names without a schema in its own schema only, unless it sets search_path.'
      end);
  end if;
end
$$;
comment on function drip._try_guard(text, bigint) is
  'Calls a new guard once, with the rights and settings of the claim, for a lead that does not
   exist.';
