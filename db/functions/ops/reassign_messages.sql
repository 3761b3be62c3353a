-- A contact knows one number, so moving a step moves the later steps of its journey too. Locked
-- rows stay, and their rows of the result say so.
create function drip.reassign_messages(
  p_messages bigint[], p_to text, p_reason text default null, p_rebind boolean default false,
  p_dry_run boolean default true)
returns table (
  message_id bigint, from_device bigint, to_device bigint, applied boolean, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_to constant drip.user_devices := drip._find_device(p_to);
  v_ids bigint[];
  v_from bigint[];
  v_moved bigint[] := '{}';
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_count(cardinality(p_messages), 'messages', 'the messages');
  if v_to.status = 'disabled' then
    perform drip._fail(
      'DR005', pg_catalog.format('the device %s is disabled', pg_catalog.quote_literal(v_to.name)),
      'Name another one, or enable it by set_device_status first.');
  end if;
  select array_agg(q.id order by q.id), array_agg(q.device_id order by q.id)
  into v_ids, v_from
  from (
    select k.id, o.device_id
    from (
      select distinct g.id from unnest(p_messages) as g (id) where g.id is not null
      union
      select n.id
      from drip.broadcast_messages m
      join drip.sequence_steps st on st.id = m.sequence_stepid
      join drip.broadcast_messages n
        on n.sequence_contact_id = m.sequence_contact_id and n.status = 'pending'
      join drip.sequence_steps ns on ns.id = n.sequence_stepid and ns.day_number > st.day_number
      where m.id = any (p_messages) and m.status = 'pending' and m.user_id = v_to.user_id
    ) k
    left join drip.broadcast_messages o on o.id = k.id and o.user_id = v_to.user_id
  ) q;

  if not p_dry_run then
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.id = any (v_ids)
        and m.user_id = v_to.user_id
        and m.status = 'pending'
        and m.device_id is distinct from v_to.id
      order by m.id
      for no key update skip locked
    ),
    moved as (
      update drip.broadcast_messages m
      set device_id = v_to.id,
        -- a deferral because of the old device ends
        not_before = case
          when m.deferred_reason in ('account_cap', 'service_window_closed', 'no_device') then null
          else m.not_before
        end,
        deferred_reason = case
          when m.deferred_reason in ('account_cap', 'service_window_closed', 'no_device') then null
          else m.deferred_reason
        end
      from locked k
      where m.id = k.id
      returning m.id
    )
    select coalesce(array_agg(x.id), '{}') into v_moved from moved x;
    if p_rebind then
      update drip.leads l
      set device_id = v_to.id, updated_at = drip.now()
      where l.id in (
        select k.id
        from drip.leads k
        where k.id in (
          select m.lead_id from drip.broadcast_messages m where m.id = any (v_moved))
        order by k.id
        for no key update skip locked);
    end if;
    update drip.sequence_contacts e
    set assigned_device_id = v_to.id
    where e.id in (
      select k.id
      from drip.sequence_contacts k
      where k.id in (
        select m.sequence_contact_id from drip.broadcast_messages m where m.id = any (v_moved))
      order by k.id
      for no key update skip locked);
    if cardinality(v_moved) > 0 then
      perform drip._audit(
        v_to.user_id, 'reassign_messages', 'device', v_to.id, p_reason,
        jsonb_build_object('messages', cardinality(v_moved), 'rebind', p_rebind));
      perform drip._notify_wake(array[v_to.id]);
    end if;
  end if;

  return query
    select
      k.id,
      k.from_device,
      v_to.id,
      k.id = any (v_moved),
      case
        when k.id = any (v_moved) then null
        when m.id is null then 'not_found'
        when m.status <> 'pending' then m.status
        when m.device_id = v_to.id then 'already_there'
        when coalesce(p_dry_run, true) then 'dry_run'
        else 'held'
      end
    from unnest(v_ids, v_from) as k (id, from_device)
    left join drip.broadcast_messages m on m.id = k.id and m.user_id = v_to.user_id
    order by k.id;
end
$$;
comment on function drip.reassign_messages(bigint[], text, text, boolean, boolean) is
  'Moves pending messages, and the later steps of their journeys, to a device (id or name) of the
   same tenant; p_rebind moves the leads too. Where applied is false, reason says why: dry_run,
   not_found, already_there, held (locked by another session; try again), or its status.';
grant execute on function drip.reassign_messages(bigint[], text, text, boolean, boolean)
  to drip_operator;
