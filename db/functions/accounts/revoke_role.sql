-- Undoes assign_role. Mappings are kept by name: a dropped role would leave its tenants to the next
-- role of that name, so a role need not exist to be revoked.
create function drip.revoke_role(p_role text, p_user text)
returns table (role_name text, user_id bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_role constant text := nullif(btrim(p_role), '');
  v_user drip.users;
begin
  perform drip._require_role('drip_operator');
  if v_role is null then
    perform drip._fail('DR001', 'no role is named', 'Pass p_role, a role of this server.');
  end if;
  v_user := drip._find_user(p_user);
  delete from drip.user_roles ur where ur.role_name = v_role and ur.user_id = v_user.id;
  if found then
    perform drip._audit(
      v_user.id, 'revoke_role', 'user', v_user.id, null, jsonb_build_object('role', v_role));
    return query select v_role, v_user.id, 'revoked'::text;
    return;
  end if;
  if not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no role %s', pg_catalog.quote_literal(v_role)),
      pg_catalog.format(
        'The nearest role that acts for a tenant is %s.',
        coalesce(
          pg_catalog.quote_literal(drip._nearest(
            v_role, array(select ur.role_name from drip.user_roles ur))),
          'none')));
  end if;
  return query select v_role, v_user.id, 'not_assigned'::text;
end
$$;
comment on function drip.revoke_role(text, text) is
  'Undoes assign_role: the role no longer acts for the user (id or name), from the next statement
   of every open session on. Outcome: revoked, not_assigned.';
grant execute on function drip.revoke_role(text, text) to drip_operator;
