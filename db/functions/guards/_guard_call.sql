-- Calls a guard only while it is as it was registered: a definer function of drip_guard that cannot
-- write. Builds the statement from the catalog, never from stored text.
create function drip._guard_call(p_function text)
returns table (call text, problem text)
language sql stable
as $$
  select
    case
      when w.problem is null
        then pg_catalog.format('select %I.%I($1, $2)', f.nspname, f.proname)
    end,
    w.problem
  from (select parse_ident(p_function) as parts) i
  left join lateral (
    select n.nspname, p.proname, p.prosecdef, p.provolatile, p.prorettype, p.proretset, p.prokind,
      o.rolname as owner
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles o on o.oid = p.proowner
    where p.proname = i.parts[2]
      and n.nspname = i.parts[1]
      and p.proargtypes = '20 20'::oidvector
    offset 0
  ) f on true
  cross join lateral (
    select case
      when p_function is null then 'it was never registered with a function'
      when f.proname is null then pg_catalog.format('there is no function %s any more', p_function)
      when f.owner <> 'drip_guard' or not f.prosecdef then
        pg_catalog.format('%s was made anew; register it again', p_function)
      when f.prokind <> 'f' or f.proretset or f.prorettype <> 'bool'::regtype then
        pg_catalog.format('%s returns no boolean', p_function)
      when f.provolatile = 'v' then pg_catalog.format('%s is volatile', p_function)
    end as problem
  ) w
$$;
comment on function drip._guard_call(text) is
  'The statement that calls a registered function, or its problem.';
