-- Opt-outs that a worker records: it waits for no row that an application has locked. The claim
-- sees the suppression and drops the messages that this had to leave.
create function drip._suppress(p_rows jsonb, p_source text) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_enrollments bigint[];
  v_messages bigint[];
begin
  insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
  select distinct on (r.user_id, r.phone, r.category)
    r.user_id, r.phone, r.category, r.reason, p_source, v_now
  from jsonb_to_recordset(p_rows) as r (user_id bigint, phone text, category text, reason text)
  order by r.user_id, r.phone, r.category
  on conflict (user_id, phone, category) do nothing;

  select array_agg(q.id)
  into v_enrollments
  from (
    select e.id
    from jsonb_to_recordset(p_rows) as r (user_id bigint, phone text, category text)
    join drip.leads l on l.user_id = r.user_id and l.phone_key = drip._phone_key(r.phone)
    join drip.sequence_contacts e on e.lead_id = l.id
    join drip.sequences s on s.id = e.sequence_id
    where e.completed_at is null and drip._stops(r.category, s.category)
    order by e.id
    for no key update of e skip locked
  ) q;

  select array_agg(q.id)
  into v_messages
  from (
    select m.id
    from jsonb_to_recordset(p_rows) as r (user_id bigint, phone text, category text)
    join drip.leads l on l.user_id = r.user_id and l.phone_key = drip._phone_key(r.phone)
    join drip.broadcast_messages m on m.lead_id = l.id
    where m.status = 'pending' and drip._stops(r.category, m.category)
      and not coalesce(m.source ? 'confirms_opt_out', false)
    order by m.id
    for no key update of m skip locked
  ) q;
  update drip.broadcast_messages m
  set status = 'cancelled', status_reason = 'suppressed', finished_at = v_now,
    not_before = null, deferred_reason = null
  where m.id = any (v_messages);

  update drip.sequence_contacts e
  set status = 'exited', exit_reason = 'opted_out', completed_at = v_now,
    next_trigger_time = null
  where e.id = any (v_enrollments)
    and not exists (
      select
      from drip.broadcast_messages m
      where m.sequence_contact_id = e.id and m.status in ('pending', 'processing'));
  return coalesce(cardinality(v_messages), 0);
end
$$;
comment on function drip._suppress(jsonb, text) is
  'Suppresses phones [{user_id, phone, category, reason}], cancels pending messages that are not
   locked, ends the journeys; returns how many messages it cancelled.';
