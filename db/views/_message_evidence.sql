-- The facts about each pending message, a column each, that the verdict judges and explanations
-- show. Unset rules skip their subquery; the subqueries are laterals with offset 0, so that the
-- verdict reads each result once.
-- It belongs to the owner, so it shows every tenant, and readers filter by user_id.
create view drip._message_evidence as
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
  d.min_delay_seconds as device_min_seconds,
  d.max_delay_seconds as device_max_seconds,
  coalesce(st.min_delay_seconds, s.min_delay_seconds, c.min_delay_seconds) as program_min_seconds,
  coalesce(st.max_delay_seconds, s.max_delay_seconds, c.max_delay_seconds) as program_max_seconds,
  d.burst,
  d.daily_cap is not null or d.ramp is not null as is_capped,
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
  pred.due_at as predecessor_due_at,
  pred.hold_at as predecessor_hold_at,
  pred.free_at as predecessor_free_at,
  d.id as live_device_id,
  d.status as device_status,
  a.id as account_id,
  a.status as account_status,
  a.blocked_until as account_blocked_until,
  a.reach_cap,
  x.account_cap_until,
  x.service_window_closed,
  l.last_inbound_at,
  dp.breaker_open_until,
  x.window_opens_at,
  x.window_is_weekend,
  x.gap_until,
  x.cap_until,
  d.active_from,
  d.active_to,
  x.device_opens_at,
  x.next_day_at,
  x.used_today,
  d.daily_cap,
  x.ramp_cap,
  dp.next_send_at,
  case when m.deferred_reason = 'guard_error' then m.not_before end as guard_until
from drip.broadcast_messages m
join drip.users u on u.id = m.user_id
join drip.leads l on l.id = m.lead_id
left join drip.user_devices d on d.id = m.device_id
left join drip.device_pacing dp on dp.device_id = m.device_id
left join drip.sender_accounts a on a.id = d.account_id
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
left join lateral (
  select
    min(p.due_at) filter (where p.status in ('pending', 'processing')) as due_at,
    max(p.finished_at + drip._exactly(u.unknown_hold))
      filter (where p.status = 'unknown' and p.hold_ended_at is null) as hold_at,
    max(drip._free_at(p.finished_at, p.scheduled_at, p.hours, st.send_time, f.zone))
      filter (where p.status in ('sent', 'failed', 'unknown')) as free_at
  from (
    select
      b.status, b.due_at, b.finished_at, b.hold_ended_at, b.scheduled_at, ps.id,
      -- the waits of all later steps: a step that expired in between brings them no closer
      case
        when ps.retired_at is not null then st.trigger_delay_hours
        else sum(ps.trigger_delay_hours) filter (where ps.retired_at is null) over (
          order by ps.day_number desc rows between unbounded preceding and 1 preceding)
      end as hours
    from drip.sequence_steps ps
    join drip.broadcast_messages b
      on b.sequence_contact_id = m.sequence_contact_id
      and b.sequence_stepid = ps.id
    where m.sequence_contact_id is not null
      and (st.day_number > 1 or s.steps_edited_at is not null)
      and ps.sequence_id = m.sequence_id
      -- a sent message of a removed step precedes all remaining steps
      and case
        when st.retired_at is null
          then ps.day_number <= st.day_number or ps.retired_at is not null
        -- a message that was in flight then and comes back waits for none of them
        else ps.retired_at is not null and ps.day_number < st.day_number
      end
  ) p
  where p.id <> st.id
  offset 0
) pred on true
cross join lateral (
  select drip._ramp_first_day(d.ramp_started_on, dp.ramp_from, dp.ramp_of) as first_day
) ramp
cross join lateral (
  select
    exists (
      select
      from drip.suppressions sp
      where sp.user_id = m.user_id
        and sp.phone = l.phone
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
    case
      when a.reach_cap is not null then (
        select min(y.until)
        from (
          select r.lead_id, r.last_sent_at + interval '24 hours' as until
          from drip.account_reach r
          where r.account_id = a.id
            and r.last_sent_at > f.now - interval '24 hours'
          union all
          -- a message in flight takes a place until its result is recorded
          select distinct o.lead_id, f.now + interval '1 minute' as until
          from drip.user_devices od
          join drip.broadcast_messages o on o.device_id = od.id and o.status = 'processing'
          where od.account_id = a.id
            and not exists (
              select
              from drip.account_reach r
              where r.account_id = a.id
                and r.lead_id = o.lead_id
                and r.last_sent_at > f.now - interval '24 hours')
        ) y
        having count(*) >= a.reach_cap
          and count(*) filter (where y.lead_id = m.lead_id) = 0)
    end as account_cap_until,
    case
      when d.platform = 'cloud_api' and m.message_type <> 'template'
        then coalesce(l.last_inbound_at < f.now - interval '24 hours', true)
      else false
    end as service_window_closed,
    case
      when d.active_from is not null
        then drip._window_opens_at(
          f.now, u.time_zone, d.active_from, d.active_to, null, false)
    end as device_opens_at,
    case
      when d.daily_cap is not null or d.ramp is not null
        then case
          when dp.local_day = (f.now at time zone u.time_zone)::date then dp.sent_today
          else 0
        end + (
          select count(*)::integer
          from drip.broadcast_messages x
          where x.device_id = d.id and x.status = 'processing')
    end as used_today,
    case
      when d.daily_cap is not null or d.ramp is not null
        then ((f.now at time zone u.time_zone)::date + 1)::timestamp at time zone u.time_zone
    end as next_day_at,
    case
      when d.ramp is not null
        then d.ramp[drip._ramp_day(
          f.now, u.time_zone, ramp.first_day,
          drip._ramp_restarts_at(u.time_zone, ramp.first_day, dp.last_sent_at), dp.breaker_since)]
    end as ramp_cap
  offset 0
) x
where m.status = 'pending';
comment on view drip._message_evidence is
  'Grain: pending message (message_id). The facts of its verdict, for all tenants; private.';
grant select on drip._message_evidence to drip_view;
