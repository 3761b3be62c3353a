-- The system's acts may run in anybody's session, as tick() does. They note the last line of the
-- log first, so that earlier edits by hand in the same transaction stay a person's.
create function drip._audit_mark() returns bigint
language sql volatile
as $$
  select case when s.is_called then s.last_value else 0 end from drip.audit_log_id_seq s
$$;
comment on function drip._audit_mark() is
  'The last id of the audit log, for _audit_system().';
