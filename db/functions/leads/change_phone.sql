-- The person stays the same lead with a new number; what is pending goes there, and so do opt-outs.
create function drip.change_phone(p_phone text, p_new_phone text)
returns table (lead_id bigint, phone text, moved integer, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_lead drip.leads := drip._find_lead(v_user, p_phone);
  v_new text := drip._expect_phone(v_user, p_new_phone);
  v_moved integer;
begin
  perform drip._require_role('drip_app');
  if v_new = v_lead.phone then
    return query select v_lead.id, v_new, 0, 'unchanged'::text;
    return;
  end if;
  v_moved := drip._change_phone(v_lead, v_new);
  return query select v_lead.id, v_new, v_moved, 'changed'::text;
end
$$;
comment on function drip.change_phone(text, text) is
  'Gives a lead another phone, and its pending messages (moved), live journeys and opt-outs with
   it. Outcome: changed, unchanged; DR013 when another lead has that phone.';
grant execute on function drip.change_phone(text, text) to drip_app;

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
  where k.user_id = p_lead.user_id and k.phone = p_lead.phone
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
  'Gives the lead the E.164 phone, with its opt-outs, journeys and pending messages; returns how
   many messages moved.';
