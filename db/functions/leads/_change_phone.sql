-- A lead gets a new number from a verb, or from WhatsApp.
create function drip._change_phone(p_lead drip.leads, p_new text) returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved integer;
  v_rule text;
  v_detail text;
begin
  begin
    update drip.leads l
    set phone = p_new
    where l.id = p_lead.id;
  exception when unique_violation then
    get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
    perform drip._constraint_error(v_rule, v_detail);
  end;

  insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
  select k.user_id, p_new, k.category, k.reason, k.source, drip.now()
  from drip.suppressions k
  where k.user_id = p_lead.user_id and k.phone_key = p_lead.phone_key
  order by k.category
  on conflict (user_id, phone, category) do nothing;

  with locked as (
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = p_lead.id and e.completed_at is null
    order by e.id
    for no key update
  )
  update drip.sequence_contacts e
  set contact_phone = p_new
  from locked k
  where e.id = k.id;

  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = p_lead.id and m.status = 'pending'
    order by m.id
    for no key update
  ),
  moved as (
    update drip.broadcast_messages m
    set recipient_phone = p_new
    from locked k
    where m.id = k.id
    returning m.id
  )
  select count(*)
  into v_moved
  from moved;
  return v_moved;
end
$$;
comment on function drip._change_phone(drip.leads, text) is
  'Gives the lead the E.164 phone and moves its opt-outs, journeys and pending messages; returns how
   many messages moved.';
