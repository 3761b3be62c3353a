-- The facts about each pending message but for the steps before it, a column each. Unset rules skip
-- their subquery; the subqueries are laterals with offset 0, so that the verdict reads each result
-- once. Those of the device come as they are, so that a new one needs no change here.
-- It belongs to the owner, so it shows every tenant, and readers filter by user_id.
create view drip._own_evidence as
select
  m.id as message_id,
  m.user_id,
  m.lead_id,
  m.device_id,
  m.scheduled_at,
  m.due_at,
  m.priority,
  m.planned_at,
  -- change_phone leaves messages in flight, which may become pending again
  l.phone as recipient_phone,
  m.campaign_id,
  m.sequence_id,
  m.sequence_stepid,
  m.sequence_contact_id as enrollment_id,
  m.not_before,
  m.deferred_reason,
  m.expires_at,
  m.category,
  m.message_type,
  coalesce(st.min_delay_seconds, s.min_delay_seconds, c.min_delay_seconds) as program_min_seconds,
  coalesce(st.max_delay_seconds, s.max_delay_seconds, c.max_delay_seconds) as program_max_seconds,
  f.now,
  f.zone,
  f.window_from,
  f.window_to,
  f.window_days,
  f.has_window,
  f.has_contact_rules,
  f.skip_weekends,
  u.time_zone as user_zone,
  u.is_active as user_active,
  u.contact_gap,
  u.contact_cap,
  u.contact_cap_period,
  -- a resume has not freed it yet
  case
    when m.lead_id > c.freed_to_lead_id and c.status in ('pending', 'triggered') then 'paused'
    else c.status
  end as campaign_status,
  s.status as sequence_status,
  -- pauses of its sequence or lead have columns of their own
  case
    when e.paused_at is not null then 'paused'
    when e.status = 'paused' then 'active'
    else e.status
  end as enrollment_status,
  s.exit_if,
  st.only_if,
  st.day_number,
  case when not m.is_test then l.paused_until end as lead_paused_until,
  x.suppressed,
  x.account_cap_until,
  case
    when d.platform = 'cloud_api' and m.message_type <> 'template'
      then coalesce(x.last_inbound_at < f.now - interval '24 hours', true)
    else false
  end as service_window_closed,
  x.last_inbound_at,
  x.window_opens_at,
  x.window_is_weekend,
  x.gap_until,
  x.cap_until,
  case when m.deferred_reason = 'guard_error' then m.not_before end as guard_until,
  -- for the steps before it
  st.retired_at as step_retired_at,
  st.send_time,
  st.trigger_delay_hours as delay_hours,
  s.steps_edited_at,
  u.unknown_hold,
  d.*  -- noqa: AM04
from drip.broadcast_messages m
join drip.users u on u.id = m.user_id
join drip.leads l on l.id = m.lead_id
left join drip._device_evidence d on d.live_device_id = m.device_id
left join drip.campaigns c on c.id = m.campaign_id
left join drip.sequences s on s.id = m.sequence_id
left join drip.sequence_contacts e on e.id = m.sequence_contact_id
left join drip.sequence_steps st on st.id = m.sequence_stepid
cross join lateral (
  select
    drip.now() as now,
    coalesce(l.time_zone, u.time_zone) as zone,
    drip._has_window(m.campaign_id, m.sequence_id, m.category, m.is_test) as has_window,
    drip._has_contact_rules(m.category, m.is_test) as has_contact_rules,
    w.window_from, w.window_to, w.window_days, w.skip_weekends
  from drip._program_window(
    c.send_from, c.send_to, c.send_days, s.send_from, s.send_to, s.send_days, s.skip_weekends,
    u.send_from, u.send_to, u.send_days) w
  offset 0
) f
cross join lateral (
  select
    exists (
      select
      from drip.suppressions sp
      where sp.user_id = m.user_id
        and sp.phone_key = l.phone_key
        and drip._stops(sp.category, m.category)
        -- the reply to an opt-out confirms it
        and not coalesce(m.source ? 'confirms_opt_out', false)
    ) as suppressed,
    case
      when f.has_window
        and (f.window_from is not null or f.window_days is not null or f.skip_weekends)
        -- days and weekends may exclude every day: then it never opens
        then coalesce(
          drip._window_opens_at(
            f.now, f.zone, f.window_from, f.window_to, f.window_days, f.skip_weekends),
          'infinity')
    end as window_opens_at,
    case
      when f.skip_weekends then extract(isodow from f.now at time zone f.zone) in (6, 7)
      else false
    end as window_is_weekend,
    case
      when u.contact_gap is not null and f.has_contact_rules then (
        select max(coalesce(x.sent_at, x.finished_at, f.now)) + drip._exactly(u.contact_gap)
        from drip.broadcast_messages x
        where x.lead_id = m.lead_id
          and x.id <> m.id
          and drip._counts_for_contact(x.category, x.is_test, x.status))
    end as gap_until,
    case
      when u.contact_cap is not null and f.has_contact_rules then (
        select max(y.at) + drip._exactly(u.contact_cap_period)
        from (
          select coalesce(x.sent_at, x.finished_at, f.now) as at
          from drip.broadcast_messages x
          where x.lead_id = m.lead_id
            and x.id <> m.id
            and drip._counts_for_contact(x.category, x.is_test, x.status)
          order by coalesce(x.sent_at, x.finished_at, f.now) desc
          offset u.contact_cap - 1
          limit 1
        ) y)
    end as cap_until,
    -- a contact that the account has reached, or is reaching, takes no new place
    case
      when d.account_full_until is not null
        and not exists (
          select
          from drip.account_reach r
          where r.account_id = d.account_id
            and r.lead_id = m.lead_id
            and r.last_sent_at > f.now - interval '24 hours')
        and not exists (
          select
          from drip.user_devices od
          join drip.broadcast_messages o on o.device_id = od.id and o.status = 'processing'
          where od.account_id = d.account_id and o.lead_id = m.lead_id)
        then d.account_full_until
    end as account_cap_until,
    -- Meta's window; other platforms have none
    case
      when d.platform = 'cloud_api' and m.message_type <> 'template'
        then (
          select w.last_inbound_at
          from drip.service_windows w
          where w.lead_id = m.lead_id and w.device_id = m.device_id)
    end as last_inbound_at
  offset 0
) x
where m.status = 'pending';
comment on view drip._own_evidence is
  'Grain: pending message (message_id). Its verdict''s facts but for its predecessors; private.';
grant select on drip._own_evidence to drip_view;
