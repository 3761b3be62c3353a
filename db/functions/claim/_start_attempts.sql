-- Pacing counts from the claim, not from when the message was sent.
create function drip._start_attempts(
  p_worker text, p_ids bigint[], p_delays numeric[], p_parked_until timestamptz)
returns table (
  message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text,
  endpoint text, instance text, secret_name text, recipient_phone text, message_type text,
  content text, media_url text, caption text, template jsonb, lease_expires_at timestamptz)
language plpgsql volatile rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
begin
  return query
    with claimed as materialized (
      select c.* from drip._lease_messages(p_worker, p_ids, p_delays) c
    ),
    logged as (
      insert into drip.message_attempts (
        message_id, attempt, user_id, device_id, worker_id, claimed_at, delay_seconds)
      select c.message_id, c.attempt, c.user_id, c.device_id, p_worker, v_now, c.delay_seconds
      from claimed c
    ),
    paced as (
      update drip.device_pacing p
      set next_send_at = v_now + q.delay_seconds * interval '1 second',
        next_look_at = case
          when q.messages >= q.burst then p_parked_until
          when q.messages + (
            select count(*)
            from drip.broadcast_messages b
            where b.device_id = q.device_id and b.status = 'processing') >= q.burst
            then p_parked_until
          else v_now
        end
      from (
        select
          c.device_id,
          max(c.delay_seconds) as delay_seconds,
          count(*) as messages,
          max(c.burst) as burst
        from claimed c
        group by c.device_id
      ) q
      where p.device_id = q.device_id
    )
    select
      c.message_id, c.attempt, c.user_id, c.device_id, c.platform, c.endpoint, c.instance,
      c.secret_name, c.recipient_phone, c.message_type, c.content, c.media_url, c.caption,
      c.template, c.lease_expires_at
    from claimed c
    order by c.message_id;
end
$$;
comment on function drip._start_attempts(text, bigint[], numeric[], timestamptz) is
  'Leases these messages, logs the attempts and sets the next send of their devices: p_delays in
   seconds; a device whose burst is full is parked until p_parked_until.';
