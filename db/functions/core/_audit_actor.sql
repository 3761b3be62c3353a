-- A login that is a worker and nothing else does what the system decides. session_user is what
-- nobody can choose; the role that was set stands beside it.
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
  'Who the audit log names for what happens now: the login, or system for a worker''s.';
