-- Whether each message leaves at all, by the claim's judge for the time at which it is due, and
-- what decides when: its hours and its delay. The device counts as able to send; its pacing, hours
-- and caps belong to the queue.
create function drip._forecast_fates(
  p_user_id bigint, p_devices bigint[], p_campaigns bigint[], p_leads bigint[], p_placed bigint[],
  p_running drip.campaigns, p_policy text, p_exact integer, p_units integer)
returns table (
  device_id bigint, key bigint, messages bigint, priority smallint, campaign_id bigint,
  sequence_id bigint, expires_at timestamptz, fate text, reason text, due_at timestamptz,
  arrives_at timestamptz, seconds numeric, zone text, window_from time, window_to time,
  window_days smallint[], skip_weekends boolean)
language sql stable
as $$
  select
    w.device_id, w.key, w.messages, w.priority, w.campaign_id, w.sequence_id, w.expires_at,
    case
      when w.is_skipped then 'excluded'
      when v.verdict = 'drop' then 'drops'
      when v.verdict = 'wait' and v.until is null then 'waits'
      else 'goes'
    end as fate,
    case
      when w.is_skipped then 'skipped_by_resume'
      when v.until is null then v.reason
    end as reason,
    w.due_at,
    greatest(w.due_at, v.until, w.held_until) as arrives_at,
    w.messages * case
      when w.lead_id is not null then drip._delay_seconds(
        drip._message_seed(w.message_id, w.lead_id, w.campaign_id, w.sequence_stepid),
        d.min_delay_seconds, d.max_delay_seconds, x.min_seconds, x.max_seconds)
      -- for several messages: the mean
      else (greatest(d.min_delay_seconds, x.min_seconds) + greatest(
        d.min_delay_seconds, x.min_seconds, d.max_delay_seconds, x.max_seconds)) / 2.0
    end as seconds,
    case when x.has_window then coalesce(w.time_zone, u.time_zone) end as zone,
    case when x.has_window then x.window_from end as window_from,
    case when x.has_window then x.window_to end as window_to,
    case when x.has_window then x.window_days end as window_days,
    case when x.has_window then x.skip_weekends end as skip_weekends
  from drip._forecast_waiting(
    p_user_id, p_devices, p_campaigns, p_leads, p_placed, p_running, p_policy, p_exact,
    p_units) w
  join drip.users u on u.id = p_user_id
  left join drip.user_devices d on d.id = w.device_id
  left join drip.campaigns c on c.id = w.campaign_id
  left join drip.sequences s on s.id = w.sequence_id
  left join drip.sequence_steps st on st.id = w.sequence_stepid
  left join drip.sequence_contacts e on e.id = w.sequence_contact_id
  cross join lateral (
    select
      greatest(w.due_at, drip.now(), w.held_until) as now,
      coalesce(st.min_delay_seconds, s.min_delay_seconds, c.min_delay_seconds) as min_seconds,
      coalesce(st.max_delay_seconds, s.max_delay_seconds, c.max_delay_seconds) as max_seconds,
      p.window_from, p.window_to, p.window_days, p.skip_weekends,
      drip._has_window(w.campaign_id, w.sequence_id, w.category, w.is_test)
        and (p.window_from is not null or p.window_days is not null or p.skip_weekends)
        as has_window
    from drip._program_window(
      c.send_from, c.send_to, c.send_days, s.send_from, s.send_to, s.send_days,
      s.skip_weekends, u.send_from, u.send_to, u.send_days) p
    offset 0
  ) x
  cross join lateral drip._verdict(
    p_now => x.now,
    p_scheduled_at => w.due_at,
    p_expires_at => w.expires_at,
    p_user_active => u.is_active,
    p_campaign_status =>
      case when w.campaign_id is distinct from (p_running).id then c.status end,
    p_sequence_status => s.status,
    -- pauses of its sequence or lead have columns of their own
    p_enrollment_status => case
      when e.paused_at is not null then 'paused'
      when e.status = 'paused' then 'active'
      else e.status
    end,
    p_lead_paused_until => w.paused_until,
    p_suppressed => w.suppressed,
    p_device_id => d.id,
    p_device_status => 'online',
    p_service_window_closed => d.platform = 'cloud_api' and w.message_type <> 'template'
      and coalesce(w.last_inbound_at < x.now - interval '24 hours', true)) v
$$;
comment on function drip._forecast_fates(
  bigint, bigint[], bigint[], bigint[], bigint[], drip.campaigns, text, integer, integer) is
  'The rows of _forecast_waiting with what becomes of them (goes, waits, drops, excluded) and why,
   the earliest time, the seconds that they take and their hours.';
