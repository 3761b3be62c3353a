-- What a new status means for the messages, whoever wrote it. Waiting for each pending row is the
-- point: once a pause or a cancel has committed, nothing unclaimed leaves.
create or replace function drip._apply_campaign_status() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
begin
  if new.status in ('paused', 'failed') then
    perform drip._hold_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.campaign_id = new.id and m.status = 'pending'),
      'campaign_paused');
  elsif new.status = 'cancelled' then
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.campaign_id = new.id and m.status = 'pending'
      order by m.id
      for no key update
    )
    update drip.broadcast_messages m
    set status = 'cancelled', status_reason = 'campaign_cancelled', finished_at = v_now,
      not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id;
  elsif old.status in ('paused', 'failed') then
    -- The pause does not count: what was due already keeps its validity.
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.campaign_id = new.id and m.status = 'pending'
      order by m.id
      for no key update
    ),
    freed as (
      update drip.broadcast_messages m
      set not_before = case when drip._is_resting(m) then m.not_before end,
        deferred_reason = case when drip._is_resting(m) then 'not_due' end,
        expires_at = m.expires_at + drip._exactly(greatest(
          v_now - greatest(old.paused_at, m.scheduled_at), interval '0'))
      from locked k
      where m.id = k.id
      returning m.device_id, m.due_at
    )
    select array_agg(distinct f.device_id)
    into v_devices
    from freed f
    where f.due_at <= v_now + interval '15 seconds';
    perform drip._notify_wake(v_devices);
    perform drip._forget_results(new.id, null);
  end if;
  return null;
end
$$;
comment on function drip._apply_campaign_status() is
  'Holds, frees or cancels the pending messages of a campaign when its status changes.';

create or replace trigger apply_campaign_status
  after update of status on drip.campaigns
  for each row when (new.status is distinct from old.status)
  execute function drip._apply_campaign_status();

-- A campaign that is due now is expanded within a second, later ones by the minute's sweep.
create or replace function drip._announce_campaign() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if drip._expands_at(new) <= drip.now() + interval '15 seconds' then
    perform pg_notify('drip_campaign', '');
  end if;
  return null;
end
$$;
comment on function drip._announce_campaign() is
  'Tells the workers that a campaign is due.';

create or replace trigger announce_campaign
  after insert or update of status, scheduled_at on drip.campaigns
  for each row when (new.status in ('pending', 'triggered') and new.expanded_at is null)
  execute function drip._announce_campaign();

-- Wall clock per lead: the first zone to reach it is up to 26 hours ahead of the last.
create function drip._expands_at(p_campaign drip.campaigns) returns timestamptz
language sql immutable parallel safe
as $$
  select p_campaign.scheduled_at
    - case when p_campaign.local_time_per_lead then interval '26 hours' else interval '0' end
$$;
comment on function drip._expands_at(drip.campaigns) is
  'When the messages of a campaign are planned.';
