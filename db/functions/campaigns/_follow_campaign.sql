-- Applies an edit of a running campaign, by the verb or a plain UPDATE, to its pending messages:
-- they get the times, devices and priority that planning would give them now. Text, window and
-- delays need nothing, since the claim reads them. It waits for messages that are being claimed, so
-- that none keeps the old values; sent messages stay as they are.
create or replace function drip._follow_campaign() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_zone constant text := (select u.time_zone from drip.users u where u.id = new.user_id);
  v_is_retimed constant boolean := (new.scheduled_at, new.local_time_per_lead)
    is distinct from (old.scheduled_at, old.local_time_per_lead);
  v_valid constant interval := drip._exactly(new.valid_for);
  v_ids constant bigint[] := drip._lock_followers(new);
  v_leads bigint[];
  v_placed bigint[];
begin
  if new.category <> old.category then
    perform drip._apply_suppressions(v_ids, new.category);
  end if;

  if new.devices is distinct from old.devices then
    v_leads := array(
      select l.id
      from drip.broadcast_messages m
      join drip.leads l on l.id = m.lead_id
      where m.id = any (v_ids)
        and case
          when new.devices is not null
            then m.device_id is null or m.device_id <> all (new.devices)
          else l.device_id <> m.device_id
        end
      order by l.id);
    v_placed := drip._place_leads(new.user_id, new.devices, v_leads, 1);
    update drip.broadcast_messages m
    set device_id = p.device_id
    from unnest(v_leads, v_placed) as p (lead_id, device_id)
    where m.campaign_id = new.id
      and m.lead_id = p.lead_id
      and m.id = any (v_ids)
      and m.device_id is distinct from p.device_id;
  end if;

  if v_is_retimed
    or (new.valid_for, new.category, new.priority, new.message_type)
      is distinct from (old.valid_for, old.category, old.priority, old.message_type)
  then
    update drip.broadcast_messages m
    set (scheduled_at, expires_at) = (
        select
          n.at,
          case
            when v_is_retimed or old.valid_for is null then n.at + v_valid
            else m.expires_at + (v_valid - drip._exactly(old.valid_for))
          end
        from (
          select case
            when not v_is_retimed then m.scheduled_at
            when new.local_time_per_lead then drip._local_instant(
              new.scheduled_at at time zone v_zone,
              coalesce((select l.time_zone from drip.leads l where l.id = m.lead_id), v_zone))
            else new.scheduled_at
          end as at
        ) n),
      category = new.category,
      priority = new.priority,
      message_type = new.message_type,
      -- a paused message stays paused, a failed one keeps its delay
      not_before = case
        when m.deferred_reason = 'campaign_paused' or m.failures > 0 then m.not_before end,
      deferred_reason = case
        when m.deferred_reason = 'campaign_paused' or m.failures > 0 then m.deferred_reason end
    where m.id = any (v_ids);
  end if;

  if (new.per_device_limit, new.devices, new.category)
    is distinct from (old.per_device_limit, old.devices, old.category)
  then
    perform drip._apply_device_limit(new.id, new.per_device_limit);
  end if;

  perform drip._notify_wake(array(
    select distinct m.device_id
    from drip.broadcast_messages m
    where m.id = any (v_ids) and m.status = 'pending' and m.device_id is not null
      and m.due_at <= v_now + interval '15 seconds'));
  return null;
end
$$;
comment on function drip._follow_campaign() is
  'Trigger: pending messages follow an edit of their campaign.';

create or replace trigger follow_campaign
  after update on drip.campaigns
  for each row
  when (
    new.status = old.status
    and new.status in ('triggered', 'paused', 'failed')
    and (new.scheduled_at, new.local_time_per_lead, new.valid_for, new.category, new.priority,
         new.message_type, new.devices, new.per_device_limit)
      is distinct from
      (old.scheduled_at, old.local_time_per_lead, old.valid_for, old.category, old.priority,
       old.message_type, old.devices, old.per_device_limit))
  execute function drip._follow_campaign();

-- As in planning.
create function drip._apply_suppressions(p_ids bigint[], p_category text)
returns void
language sql volatile
as $$
  update drip.broadcast_messages m
  set status = case when n.is_suppressed then 'skipped' else 'pending' end,
    status_reason = case when n.is_suppressed then 'suppressed' end,
    finished_at = case when n.is_suppressed then drip.now() end,
    not_before = null,
    deferred_reason = null
  from (
    select
      b.id,
      exists (
        select
        from drip.suppressions s
        where s.user_id = b.user_id and s.phone_key = l.phone_key
          and drip._stops(s.category, p_category)) as is_suppressed
    from drip.broadcast_messages b
    join drip.leads l on l.id = b.lead_id
    where b.id = any (p_ids)
      and (b.status = 'pending' or (b.status = 'skipped' and b.status_reason = 'suppressed'))
  ) n
  where m.id = n.id and n.is_suppressed = (m.status = 'pending')
$$;
comment on function drip._apply_suppressions(bigint[], text) is
  'Skips or restores messages of a campaign by the opt-outs for its category.';

-- Sent messages count first, then the pending ones in the order of leads, as in planning.
create function drip._apply_device_limit(p_campaign_id bigint, p_limit integer)
returns void
language sql volatile
as $$
  update drip.broadcast_messages m
  set status = case when n.is_over then 'skipped' else 'pending' end,
    status_reason = case when n.is_over then 'campaign_device_limit' end,
    finished_at = case when n.is_over then drip.now() end,
    expires_at = case
      when not n.is_over and m.expires_at <= drip.now()
        then drip.now() + drip._exactly(m.expires_at - m.scheduled_at)
      else m.expires_at
    end,
    not_before = null,
    deferred_reason = null
  from (
    select
      b.id,
      b.status as was,
      coalesce(row_number() over (
        partition by b.device_id order by b.status in ('pending', 'skipped'), b.lead_id)
        > p_limit, false) as is_over
    from drip.broadcast_messages b
    where b.campaign_id = p_campaign_id
      and (b.status <> 'skipped' or b.status_reason = 'campaign_device_limit')
  ) n
  where m.id = n.id
    and m.status in ('pending', 'skipped')
    and n.is_over = (m.status = 'pending')
$$;
comment on function drip._apply_device_limit(bigint, integer) is
  'Skips or restores messages of a campaign by its limit per device.';
