-- Only what waits can be cancelled: what a worker has may be with the contact already.
create function drip.cancel_messages(
  p_messages bigint[], p_reason text default null, p_dry_run boolean default true)
returns table (message_id bigint, status text, applied boolean, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_users constant bigint[] := drip._mapped_users();
  v_done bigint[] := '{}';
  v_enrollments bigint[];
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_count(cardinality(p_messages), 'messages', 'the messages');
  if not p_dry_run then
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_messages) and m.user_id = any (v_users) and m.status = 'pending'
      order by m.id
      for no key update skip locked
    ),
    ended as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = 'cancelled_by_operator',
        finished_at = drip.now(), not_before = null, deferred_reason = null
      from locked k
      where m.id = k.id
      returning m.id, m.sequence_contact_id
    )
    select
      coalesce(array_agg(x.id), '{}'),
      array_agg(distinct x.sequence_contact_id) filter (where x.sequence_contact_id is not null)
    into v_done, v_enrollments
    from ended x;
    if v_enrollments is not null then
      perform drip._sync_enrollments(v_enrollments);
    end if;
    perform drip._audit_messages('cancel_messages', v_done, p_reason);
  end if;
  return query select r.* from drip._report_messages(p_messages, v_users, v_done, p_dry_run,
    array['pending']) r;
end
$$;
comment on function drip.cancel_messages(bigint[], text, boolean) is
  'Cancels pending messages. Where applied is false, reason says why: dry_run, not_found, held (by
   somebody; ask again), or its status.';
grant execute on function drip.cancel_messages(bigint[], text, boolean) to drip_operator;

create function drip._report_messages(
  p_messages bigint[], p_users bigint[], p_done bigint[], p_dry_run boolean, p_statuses text[])
returns table (message_id bigint, status text, applied boolean, reason text)
language sql stable
as $$
  select
    k.id,
    m.status,
    k.id = any (p_done),
    case
      when k.id = any (p_done) then null
      when m.id is null then 'not_found'
      when m.status <> all (p_statuses) then m.status
      when coalesce(p_dry_run, true) then 'dry_run'
      else 'held'
    end
  from (select distinct g.id from unnest(p_messages) as g (id) where g.id is not null) k
  left join drip.broadcast_messages m on m.id = k.id and m.user_id = any (p_users)
  order by k.id
$$;
comment on function drip._report_messages(bigint[], bigint[], bigint[], boolean, text[]) is
  'What a verb on messages did to each: applied, or the reason why not.';

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
