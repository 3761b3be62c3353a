-- Ends pauses whose time is over; the trigger applies it to the messages. A lead with a locked
-- message waits for the next tick: no sweep waits for an application.
create function drip._end_lead_pauses(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_leads bigint[];
  v_held bigint[];
  v_count bigint;
begin
  v_leads := array(
    select l.id
    from drip.leads l
    where l.paused_until <= drip.now() and (p_user_id is null or l.user_id = p_user_id)
    order by l.id
    limit p_limit
    for no key update skip locked);
  if v_leads = '{}' then
    return 0;
  end if;
  v_held := array(
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = any (v_leads) and m.status = 'pending'
    order by m.id
    for no key update skip locked);
  update drip.leads l
  set paused_until = null, pause_reason = null
  where l.id = any (v_leads)
    and not exists (
      select
      from drip.broadcast_messages m
      where m.lead_id = l.id and m.status = 'pending' and m.id <> all (v_held));
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._end_lead_pauses(integer, bigint) is
  'Ends the pauses of leads whose time is over; returns how many.';
