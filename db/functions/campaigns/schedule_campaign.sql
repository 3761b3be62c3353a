-- Gives a campaign its time and says beforehand who gets it, who does not, and how long it takes.
create function drip.schedule_campaign(
  p_campaign text, p_at timestamptz default null, p_local timestamp default null)
returns table (
  campaign_id bigint, status text, scheduled_at timestamptz, scheduled_local timestamp,
  audience bigint, excluded_suppressed bigint, estimated_end timestamptz, warnings text[])
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_zone constant text := (select u.time_zone from drip.users u where u.id = v_campaign.user_id);
  v_at timestamptz;
  v_outlook record;
  v_warnings text[] := '{}';
begin
  if p_at is not null and p_local is not null then
    perform drip._fail(
      'DR001', 'p_at and p_local are both given', 'Give the instant or the wall clock, not both.');
  end if;
  perform drip._check_instant(p_at, 'p_at');
  if p_local not between timestamp '1970-01-02' and timestamp '9999-12-30' then
    perform drip._fail(
      'DR001', 'p_local is not between the years 1970 and 9999',
      'Write it as ''2026-03-02 09:00'', or leave it out.');
  end if;
  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id for no key update;
  if v_campaign.status not in ('draft', 'pending', 'failed') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'Drafts, campaigns that have not begun and failed ones can be scheduled;'
      ' resume_campaign lets a paused one go on.');
  end if;
  if v_campaign.expanded_to_lead_id = 0 then
    perform drip._check_campaign_texts(v_campaign, true);
  end if;
  v_at := coalesce(
    p_at, drip._local_instant(p_local, v_zone), v_campaign.scheduled_at, v_now);
  if v_at < v_now and v_campaign.expanded_to_lead_id = 0 then
    v_warnings := v_warnings || format(
      'the time %s is past: it runs at once',
      to_char(v_at at time zone v_zone, 'YYYY-MM-DD HH24:MI'));
    v_at := v_now;
  elsif v_at < v_now then
    v_at := coalesce(v_campaign.scheduled_at, v_now);
  end if;
  update drip.campaigns c
  set status = case when c.expanded_to_lead_id > 0 then 'triggered' else 'pending' end,
    status_reason = null, scheduled_at = v_at, expand_attempts = 0, last_error = null
  where c.id = v_campaign.id
  returning c.* into v_campaign;
  perform drip._audit(
    v_campaign.user_id, 'schedule_campaign', 'campaign', v_campaign.id, null,
    jsonb_build_object('scheduled_at', v_at));

  select o.* into v_outlook from drip._campaign_outlook(v_campaign) o;
  return query
    select
      v_campaign.id, v_campaign.status, v_campaign.scheduled_at,
      v_campaign.scheduled_at at time zone v_zone,
      v_outlook.audience, v_outlook.suppressed, v_outlook.ends_at,
      v_warnings || v_outlook.warnings;
end
$$;
comment on function drip.schedule_campaign(text, timestamptz, timestamp) is
  'Schedules a campaign at an instant or at the user''s wall clock; with neither at the
   scheduled_at of its definition, else now. A failed one goes on where it stopped. estimated_end
   counts messages and mean delays per device, not sending windows.';
grant execute on function drip.schedule_campaign(text, timestamptz, timestamp) to drip_app;

create function drip._campaign_outlook(
  p_campaign drip.campaigns, out audience bigint, out suppressed bigint,
  out ends_at timestamptz, out warnings text[])
returns record
language plpgsql stable
set search_path = ''
as $$
declare
  v_devices record;
begin
  with audience as (
    select
      case when p_campaign.devices is null then l.device_id end as device_id,
      exists (
        select
        from drip.suppressions s
        where s.user_id = l.user_id and s.phone = l.phone
          and s.category in ('all', p_campaign.category)) as is_suppressed
    from drip._campaign_leads(p_campaign, 0, null) l
  ),
  own as (
    select a.device_id, count(*) filter (where not a.is_suppressed) as messages, count(*) as leads
    from audience a
    group by a.device_id
  ),
  shared as (
    select d.id, count(*) over () as devices
    from drip.user_devices d
    where d.user_id = p_campaign.user_id
      and d.status <> 'disabled'
      and case
        when p_campaign.devices is null then d.in_pool
        else d.id = any (p_campaign.devices)
      end
  ),
  load as (
    select
      d.status,
      least(
        coalesce(o.messages, 0) + coalesce(ceil(n.messages::numeric / h.devices), 0),
        p_campaign.per_device_limit) as messages,
      coalesce(o.messages, 0) + coalesce(ceil(n.messages::numeric / h.devices), 0)
        > p_campaign.per_device_limit as is_limited,
      (greatest(d.min_delay_seconds, p_campaign.min_delay_seconds)
        + greatest(d.max_delay_seconds, p_campaign.max_delay_seconds)) / 2.0 as delay
    from drip.user_devices d
    left join own o on o.device_id = d.id
    left join shared h on h.id = d.id
    left join own n on n.device_id is null and h.id is not null
    where d.user_id = p_campaign.user_id and (o.messages > 0 or n.messages > 0)
  )
  select
    (select coalesce(sum(o.leads), 0) from own o) as leads,
    (select coalesce(sum(o.leads - o.messages), 0) from own o) as suppressed,
    count(*) as devices,
    count(*) filter (where l.status = 'online') as online,
    coalesce(bool_or(l.is_limited), false) as is_limited,
    max(l.messages * l.delay) as seconds
  into v_devices
  from load l;

  audience := v_devices.leads;
  suppressed := v_devices.suppressed;
  ends_at := p_campaign.scheduled_at + v_devices.seconds * interval '1 second';
  warnings := array_remove(array[
    case
      when audience = 0 then 'nobody is in the audience now'
      when audience = suppressed then 'everybody in the audience has opted out'
      when v_devices.devices = 0 then 'there is no device that would send it'
      when v_devices.online = 0 then 'no device that would send it is online'
    end,
    case when v_devices.is_limited
      then 'per_device_limit leaves a part of the audience without a message' end,
    case when ends_at > p_campaign.scheduled_at + drip._exactly(p_campaign.valid_for)
      then 'valid_for ends before the estimated end: the rest expires' end], null);
end
$$;
comment on function drip._campaign_outlook(drip.campaigns) is
  'How many leads are in a campaign''s audience now, how many opted out, and when it may end.';
