-- Locks enrollments, then messages, each in id order. Waits for a claim that has a message locked,
-- so that no message is claimed after this has committed.
create function drip._opt_out(
  p_user bigint, p_phone text, p_category text, p_reason text, p_source text)
returns table (lead_id bigint, outcome text, cancelled integer)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_key constant text := drip._phone_key(p_phone);
  -- each lead with a spelling of the number, the named one first
  v_leads bigint[];
  v_outcome text := 'already_suppressed';
  v_enrollments bigint[];
  v_cancelled integer;
begin
  insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
  select p_user, p_phone, p_category, nullif(btrim(p_reason), ''), p_source, v_now
  where not exists (
    select
    from drip.suppressions k
    where k.user_id = p_user and k.phone_key = v_key and k.category = p_category)
  on conflict (user_id, phone, category) do nothing;
  if found then
    v_outcome := 'suppressed';
  elsif p_source <> 'provider' then
    -- an opt-out at the provider can be undone there; one made here stays
    update drip.suppressions s
    set source = p_source, reason = coalesce(nullif(btrim(p_reason), ''), s.reason)
    where s.user_id = p_user and s.phone_key = v_key and s.category = p_category
      and s.source = 'provider';
  end if;
  select array_agg(l.id order by l.phone = p_phone desc, l.id)
  into v_leads
  from drip.leads l
  where l.user_id = p_user and l.phone_key = v_key;
  if v_leads is null then
    return query select null::bigint, v_outcome, 0;
    return;
  end if;

  select array_agg(q.id order by q.id)
  into v_enrollments
  from (
    select e.id
    from drip.sequence_contacts e
    join drip.sequences s on s.id = e.sequence_id
    where e.lead_id = any (v_leads)
      and e.completed_at is null
      and drip._stops(p_category, s.category)
    order by e.id
    for no key update of e
  ) q;

  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = any (v_leads)
      and m.status = 'pending'
      and drip._stops(p_category, m.category)
      and not coalesce(m.source ? 'confirms_opt_out', false)
    order by m.id
    for no key update
  ),
  stopped as (
    update drip.broadcast_messages m
    set status = 'cancelled', status_reason = 'suppressed', finished_at = v_now,
      not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id
    returning m.id
  )
  select count(*)
  into v_cancelled
  from stopped;

  if v_enrollments is not null then
    perform drip._exit_enrollments(v_enrollments, 'opted_out');
  end if;
  return query select v_leads[1], v_outcome, v_cancelled;
end
$$;
comment on function drip._opt_out(bigint, text, text, text, text) is
  'opt_out for a tenant and an E.164 phone, in all its spellings: suppression, cancelled messages,
   ended journeys.';
