-- Verbs of operators and applications leave a line here, so that a change can be traced to a person
-- and a reason. What the triggers of _audit_edits.sql have written in this transaction about the
-- same object becomes part of that line: one change, one row.
create function drip._audit(
  p_user bigint, p_action text, p_kind text, p_id bigint,
  p_reason text default null, p_details jsonb default null)
returns void
language sql volatile
as $$
  with edits as (
    delete from drip.audit_log g
    where g.edited_in = pg_catalog.pg_current_xact_id()
      and g.at = drip.now()
      and g.subject_kind = p_kind
      and g.subject_id = p_id
    returning g.id, g.reason, g.details -> 'changes' as changes
  ),
  changes as (
    select jsonb_object_agg(k.key, jsonb_build_object('from', k.first, 'to', k.last)) as found
    from (
      select
        c.key,
        (array_agg(c.value -> 'from' order by d.id))[1] as first,
        (array_agg(c.value -> 'to' order by d.id desc))[1] as last
      from edits d
      cross join lateral jsonb_each(d.changes) c
      group by c.key
    ) k
    where k.first is distinct from k.last
  )
  insert into drip.audit_log as al (
    at, user_id, session_user_name, role_name, action, subject_kind, subject_id, reason, details)
  select
    drip.now(), p_user, drip._audit_actor(),
    nullif(pg_catalog.current_setting('role'), 'none'), p_action, p_kind, p_id,
    nullif(pg_catalog.btrim(p_reason), ''),
    case
      when h.found is null then p_details
      else coalesce(p_details, '{}') || jsonb_build_object('changes', h.found)
    end
  from changes h
$$;
comment on function drip._audit(bigint, text, text, bigint, text, jsonb) is
  'Writes one line of the audit log: who did what to which object, and why.';

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

-- The system's own acts may run in anybody's session, as tick() does. They note where the log stood
-- before them, so that an edit that the same transaction made by hand stays a person's.
create function drip._audit_mark() returns bigint
language sql volatile
as $$
  select case when s.is_called then s.last_value else 0 end from drip.audit_log_id_seq s
$$;
comment on function drip._audit_mark() is
  'The last id of the audit log so far, for _audit_system().';

create function drip._audit_system(p_mark bigint, p_action text, p_kind text, p_ids bigint[])
returns void
language sql volatile
as $$
  update drip.audit_log g
  set session_user_name = 'system', role_name = null, action = p_action, edited_in = null,
    details = g.details || jsonb_build_object('session', session_user)
  where g.edited_in = pg_catalog.pg_current_xact_id()
    and g.id > p_mark
    and g.subject_kind = p_kind
    and g.subject_id = any (p_ids)
$$;
comment on function drip._audit_system(bigint, text, text, bigint[]) is
  'Says of the edits of these objects since the mark that the system made them, and by which act.';
