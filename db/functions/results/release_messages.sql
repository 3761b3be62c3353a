-- Releases messages that a worker claimed and never handed over: the only way from processing to
-- pending.
create function drip.release_messages(p_worker text, p_messages jsonb)
returns table (message_id bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
begin
  perform drip._require_role('drip_worker');
  if jsonb_typeof(p_messages) = 'array' then
    perform drip._check_count(jsonb_array_length(p_messages), 'messages', 'the messages');
  end if;
  if coalesce(jsonb_typeof(p_messages), 'null') <> 'array' or exists (
    select
    from jsonb_array_elements(p_messages) e
    where coalesce(e.value ->> 'message_id', '') !~ '^[0-9]{1,18}$'
      or coalesce(e.value ->> 'attempt', '') !~ '^[0-9]{1,9}$')
  then
    perform drip._fail(
      'DR001', 'p_messages is not an array of claimed messages',
      'Pass [{"message_id": 1, "attempt": 1}].');
  end if;
  return query
    with given as (
      select distinct r.message_id, r.attempt
      from jsonb_to_recordset(p_messages) as r (message_id bigint, attempt integer)
    ),
    held as (
      select m.id, drip._why_ended(m.campaign_id, m.sequence_contact_id) as ended
      from drip.broadcast_messages m
      join given g on g.message_id = m.id and g.attempt = m.attempts
      where m.status = 'processing' and m.worker_id = p_worker
      order by m.id
      for no key update of m
    ),
    freed as (
      update drip.broadcast_messages m
      set status = case when h.ended is null then 'pending' else 'cancelled' end,
        status_reason = coalesce(h.ended, m.status_reason),
        finished_at = case when h.ended is not null then v_now end,
        worker_id = null,
        lease_expires_at = null
      from held h
      where m.id = h.id
      returning m.id, m.attempts, m.device_id
    ),
    closed as (
      update drip.message_attempts a
      set finished_at = v_now, outcome = 'released'
      from freed f
      where a.message_id = f.id and a.attempt = f.attempts
    ),
    looked as (
      update drip.device_pacing p
      set next_look_at = v_now
      where p.device_id in (select f.device_id from freed f)
    )
    select g.message_id, case when f.id is null then 'not_held' else 'released' end
    from given g
    left join freed f on f.id = g.message_id
    order by g.message_id;
end
$$;
comment on function drip.release_messages(text, jsonb) is
  'Releases [{message_id, attempt}] that this worker never handed over; outcome released or
   not_held.';
grant execute on function drip.release_messages(text, jsonb) to drip_worker;
