-- A retry resets every field that the claim reads. Messages that may have arrived are not sent
-- again by this, and no message overtakes a later step.
create function drip.retry_messages(
  p_messages bigint[], p_reason text default null, p_dry_run boolean default true)
returns table (message_id bigint, status text, applied boolean, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_again constant text[] := array['failed', 'expired', 'cancelled', 'skipped'];
  v_now constant timestamptz := drip.now();
  v_users constant bigint[] := drip._mapped_users();
  v_able bigint[];
  v_done bigint[] := '{}';
  v_enrollments bigint[];
  v_devices bigint[];
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_count(cardinality(p_messages), 'messages', 'the messages');
  v_able := array(
    select m.id
    from drip.broadcast_messages m
    where m.id = any (p_messages)
      and m.user_id = any (v_users)
      and m.status = any (c_again)
      and drip._refuses_retry(m.id) is null
    order by m.id);
  if not p_dry_run then
    -- reopens a finished campaign until these messages are finished
    perform set_config('drip.retries_campaign', 'yes', true);
    update drip.campaigns c
    set status = 'triggered', completed_at = null
    where c.id in (
      select k.id
      from drip.campaigns k
      where k.status = 'completed'
        and k.id in (
          select m.campaign_id from drip.broadcast_messages m where m.id = any (v_able))
      order by k.id
      for no key update);
    perform set_config('drip.retries_campaign', '', true);
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.id = any (v_able) and m.status = any (c_again)
      order by m.id
      for no key update skip locked
    ),
    again as (
      update drip.broadcast_messages m
      set status = 'pending', status_reason = null, failures = 0, not_before = null,
        deferred_reason = null, worker_id = null, error_code = null, error_message = null,
        finished_at = null, hold_ended_at = null,
        expires_at = case
          when m.expires_at <= v_now then v_now + drip._exactly(m.expires_at - m.scheduled_at)
          else m.expires_at
        end
      from locked k
      where m.id = k.id
      returning m.id, m.sequence_contact_id, m.device_id
    )
    select
      coalesce(array_agg(x.id), '{}'),
      array_agg(distinct x.sequence_contact_id) filter (where x.sequence_contact_id is not null),
      array_agg(distinct x.device_id) filter (where x.device_id is not null)
    into v_done, v_enrollments, v_devices
    from again x;
    if v_enrollments is not null then
      perform drip._sync_enrollments(v_enrollments);
    end if;
    perform drip._audit_messages('retry_messages', v_done, p_reason);
    perform drip._notify_wake(v_devices);
  end if;
  return query
    select
      r.message_id, r.status, r.applied,
      case
        when r.reason in ('dry_run', 'held')
          then coalesce(drip._refuses_retry(r.message_id), r.reason)
        else r.reason
      end
    from drip._report_messages(p_messages, v_users, v_done, p_dry_run, c_again) r;
end
$$;
comment on function drip.retry_messages(bigint[], text, boolean) is
  'Sends failed, expired, cancelled or skipped messages again with all counters reset; the claim
   judges them anew. Where applied is false, reason says why: dry_run, not_found, held (locked by
   another session; try again), suppressed, excluded, campaign_cancelled, enrollment_finished,
   step_removed, later_step_tried, or its status; an unknown one may have arrived and is refused.';
grant execute on function drip.retry_messages(bigint[], text, boolean) to drip_operator;

create function drip._refuses_retry(p_message_id bigint) returns text
language sql stable
as $$
  select case
    when l.phone like '+999%' then 'not_found'
    when drip._is_stopped(m.user_id, l.phone, m.category) then 'suppressed'
    when c.status = 'cancelled' then 'campaign_cancelled'
    when m.status_reason = 'excluded' then 'excluded'
    when st.retired_at is not null then 'step_removed'
    when e.completed_at is not null then 'enrollment_finished'
    when m.sequence_contact_id is not null and not drip._may_try_again(m.id)
      then 'later_step_tried'
  end
  from drip.broadcast_messages m
  join drip.leads l on l.id = m.lead_id
  left join drip.sequence_steps st on st.id = m.sequence_stepid
  left join drip.campaigns c on c.id = m.campaign_id
  left join drip.sequence_contacts e on e.id = m.sequence_contact_id
  where m.id = p_message_id
$$;
comment on function drip._refuses_retry(bigint) is
  'Why a finished message cannot be retried, or null.';
