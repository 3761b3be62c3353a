-- Worker, receiver and command line check this at their start. A dump contains rows and
-- definitions, but owners and rights depend on how it was restored.
create function drip.check_installation()
returns table (revision text, problem text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_owner oid;
  v_revision text;
begin
  select n.nspowner
  into v_owner
  from pg_catalog.pg_namespace n
  where n.nspname = 'drip';
  select max(a.version_num)
  into v_revision
  from drip.alembic_version a;
  return query
    select v_revision, (
      select x.problem
      from (
        select 1 as rank, format('the view %s does not belong to drip_view', c.relname) as problem
        from pg_catalog.pg_class c
        where c.relnamespace = 'drip'::regnamespace and c.relkind = 'v'
          and not starts_with(c.relname, '_')
          and pg_catalog.pg_get_userbyid(c.relowner) <> 'drip_view'
        union all
        select 2, format('the table %s has lost its row-level policies', c.relname)
        from pg_catalog.pg_class c
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
        where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'
          and c.relname <> 'user_roles'
          and not (
            c.relrowsecurity
            and exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid))
        union all
        select 3, format('everybody may execute the function %s', f.proname)
        from pg_catalog.pg_proc f
        cross join aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
        where f.pronamespace = 'drip'::regnamespace and a.grantee = 0
        union all
        select 4, format('the function %s belongs to %s', f.proname, o.owner)
        from pg_catalog.pg_proc f
        cross join lateral (select pg_catalog.pg_get_userbyid(f.proowner) as owner) o
        where f.pronamespace = 'drip'::regnamespace and f.prosecdef
          and case f.proname
            when '_policies_hold' then o.owner <> 'drip_view'
            when '_read_audience' then o.owner <> 'drip_guard'
            when '_call_guard' then o.owner <> 'drip_guard'
            else not pg_catalog.pg_has_role(f.proowner, v_owner, 'usage')
          end
        union all
        select 5, format('%s may not use the schema %s', w.role, w.schema)
        from (values
          ('drip_view', 'drip'), ('drip_reader', 'drip'), ('drip_worker', 'drip'),
          ('drip_worker', 'procrastinate')) as w (role, schema)
        where not pg_catalog.has_schema_privilege(w.role, w.schema, 'usage')
        union all
        select 6, 'drip_view may not read the tables'
        where not pg_catalog.has_table_privilege('drip_view', 'drip.users', 'select')
      ) x
      order by x.rank, x.problem
      limit 1);
end
$$;
comment on function drip.check_installation() is
  'The revision of the tables, and problems with owners, policies and rights, as after a restore;
   problem is null when there are none. `pgdrip migrate` repairs them.';
grant execute on function drip.check_installation()
  to drip_reader, drip_worker;
