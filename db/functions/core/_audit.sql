-- Verbs of operators leave a line here, so that a change can be traced to a person and a reason.
create function drip._audit(
  p_user bigint, p_action text, p_kind text, p_id bigint,
  p_reason text default null, p_details jsonb default null)
returns void
language sql volatile
as $$
  insert into drip.audit_log as al (
    at, user_id, session_user_name, action, subject_kind, subject_id, reason, details)
  values (
    drip.now(), p_user, session_user, p_action, p_kind, p_id,
    nullif(pg_catalog.btrim(p_reason), ''), p_details)
$$;
comment on function drip._audit(bigint, text, text, bigint, text, jsonb) is
  'Writes one line of the audit log: who did what to which object, and why.';
