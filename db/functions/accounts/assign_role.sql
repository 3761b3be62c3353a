-- Maps a database role to a tenant; members of the role inherit the mapping, and revoke_role ends
-- it.
create function drip.assign_role(p_role text, p_user text)
returns table (role_name text, user_id bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user drip.users;
  v_role text := nullif(btrim(p_role), '');
begin
  perform drip._require_role('drip_operator');
  if v_role is null then
    perform drip._fail('DR001', 'no role is named', 'Pass p_role, a role of this server.');
  end if;
  perform drip._check_assignable(v_role);
  v_user := drip._find_user(p_user);
  if not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no role %s', pg_catalog.quote_literal(v_role)),
      pg_catalog.format(
        'The nearest one is %s; create role and grant drip_app make one.',
        pg_catalog.quote_literal(drip._nearest(v_role, array(
          select r.rolname::text
          from pg_catalog.pg_roles r
          where not starts_with(r.rolname::text, 'pg_'))))));
  end if;
  insert into drip.user_roles as ur (role_name, user_id, created_at)
  values (v_role, v_user.id, drip.now())
  on conflict (role_name, user_id) do nothing;
  if not found then
    return query select v_role, v_user.id, 'already_assigned'::text;
    return;
  end if;
  perform drip._audit(
    v_user.id, 'assign_role', 'user', v_user.id, null, jsonb_build_object('role', v_role));
  return query select v_role, v_user.id, 'assigned'::text;
end
$$;
comment on function drip.assign_role(text, text) is
  'Lets a database role act for a user (id or name); roles of pgdrip and of PostgreSQL, which many
   logins share, are refused. Outcome: assigned, already_assigned.';
grant execute on function drip.assign_role(text, text) to drip_operator;

-- Every application is a member of drip_app: mapping that role would give a tenant to all of them.
create function drip._check_assignable(p_role text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_role in (
      'drip_app', 'drip_guard', 'drip_operator', 'drip_pii', 'drip_reader', 'drip_view',
      'drip_worker')
    or p_role ~ '^pg_'
  then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is shared by many logins', pg_catalog.quote_literal(p_role)),
      pg_catalog.format(
        'Name a role of the application: create role shop login; grant %I to shop.', p_role));
  end if;
end
$$;
comment on function drip._check_assignable(text) is
  'DR001 for roles of pgdrip and of PostgreSQL, which cannot be mapped to a tenant.';
