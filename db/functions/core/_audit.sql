-- Verbs of operators and applications write a line here, so that a change can be traced to a person
-- and a reason. Lines that the triggers of _audit_edits.sql wrote in this transaction about the
-- same object are merged into it: one change, one row.
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
