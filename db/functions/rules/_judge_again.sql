-- The claim defers a waiting message until its rule ends by the present settings; a change of such
-- a setting has deferred messages judged again. Retries and pauses keep their own times.
create or replace function drip._judge_again() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_rules constant text[] := array[
    'outside_window', 'weekend', 'contact_gap', 'contact_cap', 'account_cap',
    'predecessor_unknown'];
  v_ids bigint[];
  v_devices bigint[];
begin
  case tg_table_name
    when 'sequences' then
      v_ids := array(
        select m.id
        from drip.sequence_contacts e
        join drip.broadcast_messages m on m.sequence_contact_id = e.id
        where e.sequence_id = new.id
          and e.status in ('pending', 'active', 'sent', 'failed', 'paused')
          and m.status = 'pending'
          and m.deferred_reason = any (c_rules));
    when 'campaigns' then
      v_ids := array(
        select m.id
        from drip.broadcast_messages m
        where m.campaign_id = new.id and m.status = 'pending'
          and m.deferred_reason = any (c_rules));
    when 'leads' then
      v_ids := array(
        select m.id
        from drip.broadcast_messages m
        where m.lead_id = new.id and m.status = 'pending'
          and m.deferred_reason = any (c_rules));
    else
      v_ids := array(
        select m.id
        from drip.user_devices d
        join drip.broadcast_messages m on m.device_id = d.id
        where case tg_table_name when 'users' then d.user_id else d.account_id end = new.id
          and m.status = 'pending'
          and m.deferred_reason = any (c_rules));
  end case;

  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.id = any (v_ids) and m.status = 'pending'
    order by m.id
    for no key update
  ),
  freed as (
    update drip.broadcast_messages m
    set not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id and m.deferred_reason = any (c_rules)
    returning m.device_id
  )
  select array_agg(distinct f.device_id)
  into v_devices
  from freed f;
  perform drip._notify_wake(v_devices);
  return null;
end
$$;
comment on function drip._judge_again() is
  'Trigger: has messages judged again that wait for a rule whose setting has changed.';

create or replace trigger judge_again
  after update of
    time_zone, send_from, send_to, send_days, contact_cap, contact_cap_period, contact_gap,
    unknown_hold
  on drip.users
  for each row when (
    (old.time_zone, old.send_from, old.send_to, old.send_days, old.contact_cap,
     old.contact_cap_period, old.contact_gap, old.unknown_hold)
    is distinct from
    (new.time_zone, new.send_from, new.send_to, new.send_days, new.contact_cap,
     new.contact_cap_period, new.contact_gap, new.unknown_hold))
  execute function drip._judge_again();

create or replace trigger judge_again
  after update of send_from, send_to, send_days, skip_weekends, category on drip.sequences
  for each row when (
    (old.send_from, old.send_to, old.send_days, old.skip_weekends, old.category)
    is distinct from
    (new.send_from, new.send_to, new.send_days, new.skip_weekends, new.category))
  execute function drip._judge_again();

create or replace trigger judge_again
  after update of send_from, send_to, send_days, category on drip.campaigns
  for each row when (
    (old.send_from, old.send_to, old.send_days, old.category)
    is distinct from (new.send_from, new.send_to, new.send_days, new.category))
  execute function drip._judge_again();

create or replace trigger judge_again
  after update of time_zone on drip.leads
  for each row when (old.time_zone is distinct from new.time_zone)
  execute function drip._judge_again();

create or replace trigger judge_again
  after update of reach_cap on drip.sender_accounts
  for each row when (old.reach_cap is distinct from new.reach_cap)
  execute function drip._judge_again();
