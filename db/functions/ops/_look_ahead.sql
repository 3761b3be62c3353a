-- When may it go, over all rules together? The judge is asked again at the time it names, with the
-- clock moved there, until it lets the message go or names no time. A step before it that waits
-- is looked at first, and supposed to be sent when that may go.
create function drip._look_ahead(
  p_message_id bigint, out verdict text, out reason text, out at timestamptz)
returns record
language plpgsql stable
set search_path = ''
as $$
declare
  c_rounds constant integer := 50;
  v_now constant timestamptz := drip.now();
  v_first drip._message_evidence;
  v_facts drip._message_evidence;
  v_before record;
  v_has_before boolean;
  v_sent_at timestamptz;
  v_verdict text;
  v_until timestamptz;
begin
  select f.*
  into v_first
  from drip._message_evidence f
  where f.message_id = p_message_id;
  if v_first.message_id is null then
    return;
  end if;
  at := v_now;

  v_has_before := v_first.predecessor_due_at is not null;
  if v_has_before then
    select
      p.id, p.status, p.scheduled_at, p.device_id, st.trigger_delay_hours, st.send_time,
      drip._delay_seconds(
        p.id, d.min_delay_seconds, d.max_delay_seconds,
        coalesce(ps.min_delay_seconds, s.min_delay_seconds),
        coalesce(ps.max_delay_seconds, s.max_delay_seconds)) as delay_seconds
    into v_before
    from drip.broadcast_messages p
    join drip.sequence_steps ps on ps.id = p.sequence_stepid
    join drip.sequences s on s.id = p.sequence_id
    join drip.sequence_steps st on st.id = v_first.sequence_stepid
    left join drip.user_devices d on d.id = p.device_id
    where p.sequence_contact_id = v_first.enrollment_id
      and p.status in ('pending', 'processing')
      and ps.day_number < v_first.day_number
    order by ps.day_number desc
    limit 1;
    if v_before.status = 'processing' then
      v_sent_at := v_now;
    else
      select a.verdict, a.at into v_verdict, at from drip._look_ahead(v_before.id) a;
      if at is null then
        verdict := 'wait';
        reason := 'predecessor_pending';
        return;
      end if;
      -- one that will be dropped holds nothing back afterwards
      v_sent_at := case when v_verdict <> 'drop' then at end;
    end if;
  end if;

  for v_round in 1 .. c_rounds loop
    perform drip._move_clock(at);
    select f.*
    into v_facts
    from drip._message_evidence f
    where f.message_id = p_message_id;
    -- what is in flight now will not be in flight then: it counts as sent now
    v_facts.gap_until := v_first.gap_until;
    v_facts.cap_until := v_first.cap_until;
    if (at at time zone v_facts.user_zone)::date > (v_now at time zone v_facts.user_zone)::date then
      v_facts.used_today := 0;
    end if;
    if v_has_before then
      v_facts.predecessor_due_at := null;
      if v_sent_at is not null then
        v_facts.predecessor_free_at := greatest(
          v_facts.predecessor_free_at,
          drip._free_at(
            v_sent_at, v_before.scheduled_at, v_before.trigger_delay_hours, v_before.send_time,
            v_facts.zone));
        if v_facts.category = 'marketing' then
          v_facts.gap_until := greatest(
            v_facts.gap_until, v_sent_at + drip._exactly(v_facts.contact_gap));
        end if;
        if v_before.device_id = v_facts.device_id and v_before.status = 'pending' then
          v_facts.next_send_at := greatest(
            v_facts.next_send_at, v_sent_at + v_before.delay_seconds * interval '1 second');
          if (at at time zone v_facts.user_zone)::date
            = (v_sent_at at time zone v_facts.user_zone)::date
          then
            v_facts.used_today := v_facts.used_today + 1;
          end if;
        end if;
      end if;
    end if;
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
    at := v_until;
  end loop;
end
$$;
comment on function drip._look_ahead(bigint) is
  'What becomes of a pending message, and when: go, drop, or wait without a time. Moves the clock,
   which the caller gives back.';
