-- When times shift, the pause does not count for valid_for either. One time for all is calculated
-- inline: the function costs 20 µs per message.
create function drip._free_rows(
  p_ids bigint[], p_is_local boolean, p_policy text, p_from timestamptz, p_to timestamptz,
  out moved bigint, out skipped bigint, out kept bigint)
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  v_now constant timestamptz := drip.now();
  v_length constant interval := drip._exactly(p_to - p_from);
  v_devices bigint[];
begin
  with written as (
    update drip.broadcast_messages m
    set status = case when n.at is null then 'skipped' else m.status end,
      status_reason = case when n.at is null then 'skipped_by_resume' end,
      finished_at = case when n.at is null then v_now end,
      scheduled_at = coalesce(n.at, m.scheduled_at),
      expires_at = case
        when p_policy = 'shift' then m.expires_at + drip._exactly(greatest(
          n.at - m.scheduled_at, p_to - greatest(p_from, m.scheduled_at), interval '0'))
        else m.expires_at
      end,
      not_before = case when n.at is not null and drip._waits_for_retry(m) then m.not_before end,
      deferred_reason = case when n.at is not null and drip._waits_for_retry(m) then 'not_due' end
    from (
      select
        b.id, b.scheduled_at as was_at,
        case
          when p_policy = 'catch_up' then b.scheduled_at
          when p_policy = 'shift' and not p_is_local then b.scheduled_at + v_length
          else drip._after_pause(
            b.scheduled_at, p_policy, p_from, p_to, p_is_local,
            (select coalesce(l.time_zone, u.time_zone)
             from drip.leads l
             join drip.users u on u.id = l.user_id
             where l.id = b.lead_id))
        end as at
      from drip.broadcast_messages b
      where b.id = any (p_ids)
    ) n
    where m.id = n.id
    returning m.device_id, m.due_at, m.status, m.scheduled_at <> n.was_at as is_moved
  )
  select
    count(*) filter (where w.status = 'pending' and w.is_moved),
    count(*) filter (where w.status = 'skipped'),
    count(*) filter (where w.status = 'pending' and not w.is_moved),
    array_agg(distinct w.device_id)
      filter (where w.status = 'pending' and w.due_at <= v_now + interval '15 seconds')
  into moved, skipped, kept, v_devices
  from written w;
  perform drip._notify_wake(v_devices);
end
$$;
comment on function drip._free_rows(bigint[], boolean, text, timestamptz, timestamptz) is
  'Frees messages, which the caller has locked, after a pause of their campaign, by a policy.';
