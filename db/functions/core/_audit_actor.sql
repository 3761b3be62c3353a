-- The acts of a login that is only a worker are the system's. session_user cannot be chosen, unlike
-- the role, which is logged beside it.
create function drip._audit_actor() returns text
language sql stable
as $$
  select case
    when pg_catalog.pg_has_role(session_user, 'drip_worker', 'member')
      and not pg_catalog.pg_has_role(session_user, 'drip_operator', 'member')
    then 'system'
    else session_user::text
  end
$$;
comment on function drip._audit_actor() is
  'The name in the audit log for acts of this session: the login, or system for a worker''s.';
