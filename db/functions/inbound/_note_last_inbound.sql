-- A reply is recorded at once; a sweep records it where an application had locked the lead.
create function drip._note_last_inbound(p_ids bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_leads bigint[];
  v_devices bigint[];
  v_count bigint;
begin
  insert into drip.service_windows as w (lead_id, device_id, user_id, last_inbound_at)
  select i.lead_id, i.device_id, min(i.user_id), max(i.sent_at)
  from drip.inbound_messages i
  where i.id = any (p_ids) and i.is_reply
    and i.lead_id is not null and i.device_id is not null and i.sent_at is not null
  group by i.lead_id, i.device_id
  order by i.lead_id, i.device_id
  on conflict (lead_id, device_id) do update
    set last_inbound_at = excluded.last_inbound_at
    where w.last_inbound_at < excluded.last_inbound_at;
  -- what waited for the window may go at once
  with free as (
    select m.id
    from drip.broadcast_messages m
    where m.status = 'pending'
      and m.deferred_reason = 'service_window_closed'
      and (m.lead_id, m.device_id) in (
        select i.lead_id, i.device_id
        from drip.inbound_messages i
        where i.id = any (p_ids) and i.is_reply)
    order by m.id
    for no key update skip locked
  ),
  freed as (
    update drip.broadcast_messages m
    set not_before = null, deferred_reason = null
    from free f
    where m.id = f.id
    returning m.device_id
  )
  select array_agg(distinct f.device_id) into v_devices from freed f;
  if v_devices is not null then
    perform drip._notify_wake(v_devices);
  end if;
  v_leads := array(
    select l.id
    from drip.leads l
    where l.id in (
      select i.lead_id
      from drip.inbound_messages i
      where i.id = any (p_ids) and i.is_reply)
    order by l.id
    for no key update skip locked);
  update drip.leads l
  set last_inbound_at = q.at
  from (
    select i.lead_id, max(i.sent_at) as at
    from drip.inbound_messages i
    where i.id = any (p_ids) and i.is_reply
      and i.lead_id = any (v_leads)
    group by i.lead_id
  ) q
  where l.id = q.lead_id and q.at > coalesce(l.last_inbound_at, '-infinity');
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._note_last_inbound(bigint[]) is
  'Brings the service windows and last_inbound_at of these messages'' leads up to date, skipping
   locked leads.';
