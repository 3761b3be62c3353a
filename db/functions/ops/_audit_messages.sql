-- A verb may change thousands of messages; one line per tenant keeps the log readable.
create function drip._audit_messages(p_action text, p_messages bigint[], p_reason text)
returns void
language sql volatile
as $$
  insert into drip.audit_log as a (
    at, user_id, session_user_name, role_name, action, subject_kind, subject_id, reason, details)
  select
    drip.now(), m.user_id, drip._audit_actor(),
    nullif(pg_catalog.current_setting('role'), 'none'), p_action, 'message', min(m.id),
    nullif(pg_catalog.btrim(p_reason), ''),
    jsonb_build_object('messages', count(*), 'ids', (array_agg(m.id order by m.id))[1:1000])
  from drip.broadcast_messages m
  where m.id = any (p_messages)
  group by m.user_id
$$;
comment on function drip._audit_messages(text, bigint[], text) is
  'A line of the audit log per tenant for a verb on messages; up to 1,000 ids.';
