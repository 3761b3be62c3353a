-- The trigger that logs people's edits also logs those of sweeps; this corrects who made them.
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
  'Attributes the logged edits of these objects since the mark to the system, and names its act.';
