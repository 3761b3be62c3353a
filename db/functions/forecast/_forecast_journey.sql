-- When may a message go, over all rules together? Asks the judge again at each time that it names,
-- with the clock moved there, until it lets the message go or names no time. Waiting steps before
-- it come first, in their order, and are assumed sent at their earliest time; the effect of a late
-- send on later steps is that of _advance_journeys(). A journey may have 500 steps, so no step
-- reads the others: variables keep what they owe each other. The evidence is asked only, for
-- itself, what had been sent before.
create function drip._forecast_journey(p_message_id bigint, p_until timestamptz, p_rounds integer)
returns table (message_id bigint, verdict text, reason text, at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_at timestamptz := v_now;
  v_step record;
  v_facts record;
  v_verdict text;
  v_reason text;
  v_until timestamptz;
  v_has_sent constant boolean := drip._has_sent_step(p_message_id);
  v_is_first boolean;
  v_is_stuck boolean := false;
  v_scheduled_at timestamptz;
  v_expires_at timestamptz;
  v_hold_at timestamptz;
  v_free_at timestamptz;
  v_gap_until timestamptz;
  v_cap_until timestamptz;
  v_next_send_at timestamptz;
  v_contacts timestamptz[];
  -- the assumed sends; hours are all waits up to and including the step's own
  v_hours numeric := 0;
  v_sent_at timestamptz[] := '{}';
  v_due_at timestamptz[] := '{}';
  v_sent_hours numeric[] := '{}';
  -- the send that counts longest for a step without a time of day
  v_latest integer;
  v_uncounted integer := 0;
  -- their effect on the devices: free again when, and how many on which last day
  v_devices bigint[] := '{}';
  v_device_free_at timestamptz[] := '{}';
  v_device_days date[] := '{}';
  v_device_counts integer[] := '{}';
  v_place integer;
  v_today date;
  -- where the previous step has moved to, and when it moved
  v_moved_to timestamptz;
  v_moved_at timestamptz;
begin
  for v_step in select s.* from drip._journey_steps(p_message_id) s loop
    v_hours := v_hours + v_step.hours;
    if v_is_stuck then
      message_id := v_step.id;
      verdict := case when v_step.expires_at <= p_until then 'drop' else 'wait' end;
      reason := case when verdict = 'drop' then 'expired' else 'predecessor_pending' end;
      at := case when verdict = 'drop' then v_step.expires_at end;
      return next;
      continue;
    end if;

    v_verdict := 'go';
    v_reason := null;
    v_scheduled_at := v_step.scheduled_at;
    -- the first round uses the facts of now: messages in flight count as sent now
    for v_round in 0 .. case when v_step.status = 'pending' then p_rounds else -1 end loop
      perform drip._move_clock(case when v_round = 0 then v_now else v_at end);
      select
        f.*, null::timestamptz as predecessor_hold_at, null::timestamptz as predecessor_free_at
      into v_facts
      from drip._own_evidence f
      where f.message_id = v_step.id;
      if v_round = 0 then
        v_hold_at := null;
        v_free_at := null;
        if v_has_sent then
          select f.predecessor_hold_at, f.predecessor_free_at
          into v_hold_at, v_free_at
          from drip._message_evidence f
          where f.message_id = v_step.id;
        end if;
        v_free_at := greatest(v_free_at, drip._free_after(
          v_sent_at, v_due_at, v_sent_hours, v_latest, v_hours, v_step.send_time, v_facts.zone));
        v_gap_until := v_facts.gap_until;
        v_cap_until := v_facts.cap_until;
        if v_facts.category = 'marketing' then
          v_gap_until := greatest(
            v_gap_until,
            v_sent_at[cardinality(v_sent_at)] + drip._exactly(v_facts.contact_gap));
          if v_facts.contact_cap is not null and v_uncounted > 0 then
            v_contacts := coalesce(v_contacts, drip._contacted_at(
              v_facts.lead_id, v_facts.contact_cap, v_now));
            -- assumed sends are later than real ones
            v_cap_until := greatest(v_cap_until, case
              when v_uncounted >= v_facts.contact_cap
                then v_sent_at[cardinality(v_sent_at) - v_facts.contact_cap + 1]
              else v_contacts[v_facts.contact_cap - v_uncounted]
            end + drip._exactly(v_facts.contact_cap_period));
          end if;
        end if;
        v_place := array_position(v_devices, v_facts.device_id);
        v_next_send_at := greatest(v_facts.next_send_at, v_device_free_at[v_place]);
        v_expires_at := v_facts.expires_at;
        if v_step.held_until is not null then
          v_expires_at := v_expires_at
            + greatest(drip._exactly(v_step.scheduled_at - v_step.was_at), v_step.held_for);
        end if;
        select s.scheduled_at, s.expires_at, s.moved_at
        into v_scheduled_at, v_expires_at, v_moved_at
        from drip._moved_step(
          v_step.hours, v_step.send_time, v_facts.zone, v_moved_to,
          case when v_sent_at <> '{}' then v_free_at end, v_at,
          v_scheduled_at, v_expires_at, v_moved_at) s;
        v_moved_to := case when v_scheduled_at > v_step.scheduled_at then v_scheduled_at end;
        continue when v_at <> v_now;
      end if;

      if v_step.held_until <= v_at then
        v_facts.lead_paused_until := null;
        if v_facts.deferred_reason = 'lead_paused' then
          v_facts.not_before := null;
        end if;
      end if;
      v_facts.predecessor_hold_at := v_hold_at;
      v_facts.predecessor_free_at := v_free_at;
      v_facts.scheduled_at := v_scheduled_at;
      v_facts.expires_at := v_expires_at;
      v_facts.gap_until := v_gap_until;
      v_facts.cap_until := v_cap_until;
      v_facts.next_send_at := v_next_send_at;
      v_today := (v_at at time zone v_facts.user_zone)::date;
      if v_today > (v_now at time zone v_facts.user_zone)::date then
        v_facts.used_today := 0;
      end if;
      if v_device_days[v_place] = v_today then
        v_facts.used_today := v_facts.used_today + v_device_counts[v_place];
      end if;
      v_is_first := v_reason is null;
      select j.verdict, j.reason, j.until
      into v_verdict, v_reason, v_until
      from drip._judge_facts(to_jsonb(v_facts)) j;
      exit when v_verdict <> 'wait';
      -- a message that expires meanwhile waits no longer
      v_until := least(
        nullif(v_until, 'infinity'), case when v_expires_at > v_at then v_expires_at end);
      v_is_stuck := v_until is null or v_until > p_until;
      exit when v_is_stuck;
      -- messages in flight on the account are judged every minute: no better time is known
      exit when v_until <= v_at
        or (v_reason = 'account_cap' and not v_is_first
            and v_until = v_at + interval '1 minute');
      -- the hours of the device and of the program may never overlap
      v_is_stuck := v_round >= p_rounds;
      exit when v_is_stuck;
      v_at := v_until;
    end loop;

    message_id := v_step.id;
    verdict := v_verdict;
    reason := v_reason;
    at := case when not v_is_stuck then v_at end;
    return next;
    -- a dropped message is no send
    continue when v_is_stuck or v_verdict = 'drop';
    v_sent_at := v_sent_at || v_at;
    v_due_at := v_due_at || v_scheduled_at;
    v_sent_hours := v_sent_hours || v_hours;
    if v_latest is null
      or v_at - v_sent_at[v_latest] >= (v_hours - v_sent_hours[v_latest]) * interval '1 hour'
    then
      v_latest := cardinality(v_sent_at);
    end if;
    if v_step.status = 'pending' then
      v_uncounted := v_uncounted + 1;
      v_place := array_position(v_devices, v_step.device_id);
      if v_place is null then
        v_place := cardinality(v_devices) + 1;
        v_devices[v_place] := v_step.device_id;
      end if;
      v_today := (v_at at time zone v_step.time_zone)::date;
      v_device_free_at[v_place] := greatest(
        v_device_free_at[v_place], v_at + v_step.delay_seconds * interval '1 second');
      v_device_counts[v_place] := case
        when v_device_days[v_place] = v_today then v_device_counts[v_place] + 1 else 1 end;
      v_device_days[v_place] := v_today;
    end if;
  end loop;
end
$$;
comment on function drip._forecast_journey(bigint, timestamptz, integer) is
  'What becomes of the waiting steps of a journey up to a pending message, and of that, in order:
   go, drop, or wait where no time up to p_until is known. Moves the clock; the caller restores
   it.';

create function drip._has_sent_step(p_message_id bigint)
returns boolean
language sql stable
as $$
  select exists (
    select
    from drip.broadcast_messages m
    join drip.broadcast_messages b on b.sequence_contact_id = m.sequence_contact_id
    where m.id = p_message_id and b.status in ('sent', 'failed', 'unknown')
  )
$$;
comment on function drip._has_sent_step(bigint) is
  'Whether a message''s journey has a finished send, which holds its later steps back.';

-- The end of the contact's pause moves the times of the whole journey. One select, so that the
-- planner inlines it.
create function drip._journey_steps(p_message_id bigint)
returns table (
  id bigint, status text, device_id bigint, send_time time, held_until timestamptz,
  expires_at timestamptz, time_zone text, scheduled_at timestamptz, was_at timestamptz,
  held_for interval, hours numeric, delay_seconds numeric)
language sql stable
as $$
  select
    q.id, q.status, q.device_id, st.send_time, hold.until as held_until, q.expires_at,
    u.time_zone,
    case
      when hold.until is not null and q.status = 'pending' then max(
        case when q.status = 'pending' then drip._step_after_pause(
          q.scheduled_at, st.send_time, coalesce(l.time_zone, u.time_zone), hold.since,
          hold.until) end)
        over (order by st.day_number)
      else q.scheduled_at
    end as scheduled_at,
    q.scheduled_at as was_at,
    drip._exactly(greatest(hold.until - hold.since, interval '0')) as held_for,
    coalesce(st.trigger_delay_hours, 0) as hours,
    drip._delay_seconds(
      drip._message_seed(q.id, q.lead_id, q.campaign_id, q.sequence_stepid),
      d.min_delay_seconds, d.max_delay_seconds,
      coalesce(st.min_delay_seconds, s.min_delay_seconds),
      coalesce(st.max_delay_seconds, s.max_delay_seconds)) as delay_seconds
  from drip.broadcast_messages m
  join drip.broadcast_messages q
    on q.id = m.id
    or (q.sequence_contact_id = m.sequence_contact_id and q.status in ('pending', 'processing'))
  left join drip.sequences s on s.id = q.sequence_id
  left join drip.sequence_steps st on st.id = q.sequence_stepid
  left join drip.sequence_steps own on own.id = m.sequence_stepid
  left join drip.user_devices d on d.id = q.device_id
  left join drip.sequence_contacts e on e.id = m.sequence_contact_id
  join drip.leads l on l.id = m.lead_id
  join drip.users u on u.id = m.user_id
  left join lateral (
    select greatest(l.paused_at, e.enrolled_at) as since, l.paused_until as until
    where e.id is not null and l.paused_until < 'infinity'
  ) hold on true
  where m.id = p_message_id
    and m.status = 'pending'
    and (q.id = m.id or st.day_number < own.day_number or st.retired_at is not null)
  order by q.id = m.id, st.day_number
$$;
comment on function drip._journey_steps(bigint) is
  'The waiting steps of a journey up to a pending message, and that one last, with its delays.';

-- Without a time of day, the send that counts longest is known; with one, lateness may not count,
-- so each of them is asked.
create function drip._free_after(
  p_sent_at timestamptz[], p_due_at timestamptz[], p_sent_hours numeric[], p_latest integer,
  p_hours numeric, p_send_time time, p_zone text)
returns timestamptz
language sql stable
as $$
  select case
    when p_send_time is null then drip._free_at(
      p_sent_at[p_latest], p_due_at[p_latest], p_hours - p_sent_hours[p_latest], null, p_zone)
    else (
      select max(drip._free_at(s.sent_at, s.due_at, p_hours - s.hours, p_send_time, p_zone))
      from unnest(p_sent_at, p_due_at, p_sent_hours) as s (sent_at, due_at, hours)
    )
  end
$$;
comment on function drip._free_after(
  timestamptz[], timestamptz[], numeric[], integer, numeric, time, text) is
  'The earliest time of a step after the assumed sends before it; null without any. Hours are the
   waits from the first step.';

-- A step moves with its predecessor, unless it expires first; so does its expiry. It moves on by
-- itself where an assumed send before it leaves it too little time.
create function drip._moved_step(
  p_hours numeric, p_send_time time, p_zone text, p_moved_to timestamptz, p_free_at timestamptz,
  p_at timestamptz, inout scheduled_at timestamptz, inout expires_at timestamptz,
  inout moved_at timestamptz)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_planned_at constant timestamptz := scheduled_at;
  v_freed_at timestamptz;
begin
  if p_moved_to is not null and coalesce(expires_at > moved_at, true) then
    scheduled_at := greatest(
      scheduled_at, drip._next_step_at(p_moved_to, p_hours, p_send_time, p_zone));
    expires_at := expires_at + drip._exactly(scheduled_at - v_planned_at);
  end if;
  if p_free_at > scheduled_at + interval '1 minute' and coalesce(expires_at > p_at, true) then
    v_freed_at := drip._next_local_time(p_free_at, p_zone, p_send_time);
    expires_at := expires_at + drip._exactly(v_freed_at - scheduled_at);
    scheduled_at := v_freed_at;
    moved_at := p_at;
  end if;
end
$$;
comment on function drip._moved_step(
  numeric, time, text, timestamptz, timestamptz, timestamptz, timestamptz, timestamptz,
  timestamptz) is
  'When a step is due and expires, given where its predecessor has moved to and from when on it is
   free after assumed sends; and when the last move happened.';

create function drip._contacted_at(p_lead_id bigint, p_most integer, p_now timestamptz)
returns timestamptz[]
language sql stable
as $$
  select coalesce(array_agg(q.at order by q.at desc), '{}')
  from (
    select coalesce(m.sent_at, m.finished_at, p_now) as at
    from drip.broadcast_messages m
    where m.lead_id = p_lead_id
      and m.category = 'marketing'
      and not m.is_test
      and m.status in ('sent', 'unknown', 'processing')
    order by 1 desc
    limit p_most
  ) q
$$;
comment on function drip._contacted_at(bigint, integer, timestamptz) is
  'When the contact got its latest marketing messages, the latest first.';
