-- When may it go, over all rules together? The judge is asked again at the time it names, with the
-- clock moved there, until it lets the message go or names no time. Steps before it that wait are
-- looked at first, in their order, and supposed to be sent when they may go; what a late send does
-- to the steps behind it, _advance_journeys() does in earnest.
create function drip._look_ahead(
  p_message_id bigint, out verdict text, out reason text, out at timestamptz)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_rounds constant integer := 50;
  v_now constant timestamptz := drip.now();
  v_step record;
  v_facts drip._message_evidence;
  v_supposed drip._message_evidence;
  -- {sent_at, scheduled_at, hours, device_id, delay_seconds, is_counted} of each supposed send
  v_sends jsonb := '[]';
  v_sent record;
  -- where the step before it has moved to, and when that came about
  v_moved_to timestamptz;
  v_moved_at timestamptz;
  v_today date;
  v_until timestamptz;
begin
  at := v_now;
  for v_step in
    select
      q.id, q.status, q.device_id, st.send_time, hold.until as held_until,
      -- the end of the contact's pause moves the times of the whole journey
      case
        when hold.until is not null and q.status = 'pending' then max(
          case when q.status = 'pending' then drip._after_hold(
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
  loop
    if v_step.status = 'processing' then
      verdict := 'go';
      at := v_now;
      v_facts.scheduled_at := v_step.scheduled_at;
    else
      -- the facts of now: what is in flight counts as sent now, not as in flight for ever
      perform drip._move_clock(v_now);
      select f.*
      into v_supposed
      from drip._message_evidence f
      where f.message_id = v_step.id;
      v_supposed.scheduled_at := v_step.scheduled_at;
      if v_step.held_until is not null then
        v_supposed.expires_at := v_supposed.expires_at
          + greatest(drip._exactly(v_step.scheduled_at - v_step.was_at), v_step.held_for);
      end if;
      for v_sent in
        select p.*
        from jsonb_to_recordset(v_sends) as p (
          sent_at timestamptz, scheduled_at timestamptz, hours numeric, device_id bigint,
          delay_seconds numeric, is_counted boolean)
      loop
        v_supposed.predecessor_free_at := greatest(
          v_supposed.predecessor_free_at,
          drip._free_at(
            v_sent.sent_at, v_sent.scheduled_at, v_sent.hours + v_step.hours, v_step.send_time,
            v_supposed.zone));
        if v_supposed.category = 'marketing' then
          v_supposed.gap_until := greatest(
            v_supposed.gap_until, v_sent.sent_at + drip._exactly(v_supposed.contact_gap));
        end if;
        if v_sent.device_id = v_supposed.device_id and not v_sent.is_counted then
          v_supposed.next_send_at := greatest(
            v_supposed.next_send_at, v_sent.sent_at + v_sent.delay_seconds * interval '1 second');
        end if;
      end loop;
      -- a step moves with the one before it, unless it expires first
      if v_moved_to is not null and coalesce(v_supposed.expires_at > v_moved_at, true) then
        v_supposed.scheduled_at := greatest(
          v_supposed.scheduled_at,
          drip._next_step_at(v_moved_to, v_step.hours, v_step.send_time, v_supposed.zone));
      end if;
      if v_supposed.predecessor_free_at > v_supposed.scheduled_at + interval '1 minute'
        and v_sends <> '[]' and coalesce(v_supposed.expires_at > at, true)
      then
        v_supposed.scheduled_at := drip._next_local_time(
          v_supposed.predecessor_free_at, v_supposed.zone, v_step.send_time);
        v_moved_at := at;
      end if;
      v_moved_to := case
        when v_supposed.scheduled_at > v_step.scheduled_at then v_supposed.scheduled_at end;
      v_supposed.expires_at := v_supposed.expires_at
        + drip._exactly(v_supposed.scheduled_at - v_step.scheduled_at);

      for v_round in 1 .. c_rounds loop
        perform drip._move_clock(at);
        select f.*
        into v_facts
        from drip._message_evidence f
        where f.message_id = v_step.id;
        v_facts.predecessor_due_at := null;
        if v_step.held_until <= at then
          v_facts.lead_paused_until := null;
          if v_facts.deferred_reason = 'lead_paused' then
            v_facts.not_before := null;
          end if;
        end if;
        v_facts.predecessor_free_at := v_supposed.predecessor_free_at;
        v_facts.scheduled_at := v_supposed.scheduled_at;
        v_facts.expires_at := v_supposed.expires_at;
        v_facts.gap_until := v_supposed.gap_until;
        v_facts.cap_until := v_supposed.cap_until;
        v_facts.next_send_at := v_supposed.next_send_at;
        v_today := (at at time zone v_facts.user_zone)::date;
        if v_today > (v_now at time zone v_facts.user_zone)::date then
          v_facts.used_today := 0;
        end if;
        v_facts.used_today := v_facts.used_today + (
          select count(*)
          from jsonb_to_recordset(v_sends) as p (
            sent_at timestamptz, device_id bigint, is_counted boolean)
          where p.device_id = v_facts.device_id and not p.is_counted
            and (p.sent_at at time zone v_facts.user_zone)::date = v_today);
        select j.verdict, j.reason, j.until
        into verdict, reason, v_until
        from drip._judge_facts(to_jsonb(v_facts)) j;
        exit when verdict <> 'wait';
        if v_until is null or v_until = 'infinity' then
          at := null;
          exit;
        end if;
        -- what is in flight on the account is looked at again every minute: nobody knows more
        exit when v_until <= at
          or (reason = 'account_cap' and v_round > 1 and v_until = at + interval '1 minute');
        -- hours of the device and of the program may never meet
        at := case when v_round < c_rounds then v_until end;
      end loop;
    end if;

    if v_step.id <> p_message_id then
      if at is null then
        verdict := 'wait';
        reason := 'predecessor_pending';
        return;
      end if;
      -- the wait of this step lies between those before it and the next one
      v_sends := (
        select coalesce(jsonb_agg(jsonb_set(
          e.value, '{hours}', to_jsonb((e.value ->> 'hours')::numeric + v_step.hours))), '[]')
        from jsonb_array_elements(v_sends) e);
      -- one that will be dropped is no send
      if verdict <> 'drop' then
        v_sends := v_sends || jsonb_build_object(
          'sent_at', at, 'scheduled_at', v_facts.scheduled_at, 'hours', 0,
          'device_id', v_step.device_id, 'delay_seconds', v_step.delay_seconds,
          'is_counted', v_step.status = 'processing');
      end if;
    end if;
  end loop;
  if verdict is null then
    at := null;
  end if;
end
$$;
comment on function drip._look_ahead(bigint) is
  'What becomes of a pending message, and when: go, drop, or wait without a time. Moves the clock,
   which the caller gives back.';
