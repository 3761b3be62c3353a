-- Only pending messages can be cancelled: a claimed one may have reached the contact already.
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
  'Cancels pending messages. Where applied is false, reason says why: dry_run, not_found, held
   (locked by another session; try again), or its status.';
grant execute on function drip.cancel_messages(bigint[], text, boolean) to drip_operator;
