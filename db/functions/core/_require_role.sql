-- A caller who is no member may come through a function of a member: then the grants have decided,
-- provided that no definer function of ours is open to public.
create function drip._rely_on_grants(p_role text) returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_caller name := coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
begin
  if not exists (
    select
    from pg_catalog.pg_proc p
    where p.pronamespace = 'drip'::regnamespace
      and p.prosecdef
      and pg_catalog.has_function_privilege('public', p.oid, 'execute'))
  then
    return true;
  end if;
  raise exception using
    errcode = 'insufficient_privilege',
    message = pg_catalog.format('permission denied: %s is not a member of %s', v_caller, p_role),
    hint = pg_catalog.format('grant %s to %s;', p_role, pg_catalog.quote_ident(v_caller));
end
$$;
comment on function drip._rely_on_grants(text) is
  'True where the grants on our functions are intact; else raises insufficient_privilege.';

-- A definer function runs with the owner's rights, and grants decide who may call it. A restore
-- with --no-acl loses the grants, and then Postgres lets everybody call it: so each checks its
-- caller. Memberships belong to the cluster and are in no dump of a database. Postgres inlines
-- this: for a member it costs some microseconds.
create function drip._require_role(p_role text) returns boolean
language sql stable parallel safe
begin atomic
  select pg_catalog.pg_has_role(
      coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user)::name,
      p_role::name, 'member')
    or drip._rely_on_grants(p_role);
end;
comment on function drip._require_role(text) is
  'True for members of the role and where the grants are intact; else raises
   insufficient_privilege.';
