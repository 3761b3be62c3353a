-- The end of a pause, of a sequence, a lead or one journey, by the policy that its verb was given.
-- shift: the pause does not count, later steps keep their spacing and their send_time;
-- catch_up: times stay; skip: what the pause made overdue is skipped.
-- Pauses lie over each other: what another one still holds stays held, and of this one counts only
-- what came before that. So a time under two pauses moves nothing twice.
create function drip._resume_messages(
  p_enrollments bigint[], p_paused_at timestamptz[], p_until timestamptz)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_policy constant text :=
    coalesce(nullif(current_setting('drip.resume_policy', true), ''), 'shift');
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
  v_moved bigint;
  v_skipped bigint;
begin
  with journeys as (
    select
      e.id,
      coalesce(l.time_zone, u.time_zone) as zone,
      o.held_by,
      o.held_until,
      t.since,
      t.until,
      drip._exactly(greatest(t.until - t.since, interval '0')) as length
    from unnest(p_enrollments, p_paused_at) as g (id, paused_at)
    join drip.sequence_contacts e on e.id = g.id
    join drip.sequences s on s.id = e.sequence_id
    join drip.leads l on l.id = e.lead_id
    join drip.users u on u.id = e.user_id
    cross join lateral drip._held_by(e, s, l) o
    cross join lateral (
      select
        greatest(g.paused_at, e.enrolled_at) as since,
        least(p_until, o.held_since) as until
    ) t
  ),
  locked as (
    select m.id, m.sequence_contact_id, m.sequence_stepid, m.scheduled_at
    from drip.broadcast_messages m
    where m.sequence_contact_id = any (p_enrollments) and m.status = 'pending'
    order by m.id
    for no key update
  ),
  moved as (
    select
      k.id,
      v_policy = 'skip' and p.until >= p.since and k.scheduled_at <= p.until as is_skipped,
      p.held_by,
      p.held_until,
      case when v_policy = 'shift' then p.length else interval '0' end as length,
      case
        when v_policy = 'shift' then max(
          drip._after_hold(k.scheduled_at, st.send_time, p.zone, p.since, p.until))
          over (
            partition by k.sequence_contact_id
            -- what came back of a step that is gone stands before all that is left
            order by st.retired_at is null, st.day_number)
        else k.scheduled_at
      end as at
    from locked k
    join drip.sequence_steps st on st.id = k.sequence_stepid
    join journeys p on p.id = k.sequence_contact_id
  ),
  written as (
    update drip.broadcast_messages m
    set status = case when v.is_skipped then 'skipped' else m.status end,
      status_reason = case when v.is_skipped then 'skipped_by_resume' end,
      finished_at = case when v.is_skipped then v_now end,
      scheduled_at = v.at,
      expires_at = m.expires_at + greatest(drip._exactly(v.at - m.scheduled_at), v.length),
      not_before = case
        when v.is_skipped then null
        when drip._is_resting(m) then m.not_before
        else v.held_until
      end,
      deferred_reason = case
        when v.is_skipped then null
        when drip._is_resting(m) then 'not_due'
        else v.held_by
      end
    from moved v
    where m.id = v.id
    returning m.device_id, m.due_at, m.status
  )
  select
    count(*) filter (where w.status = 'pending' and v_policy = 'shift'),
    count(*) filter (where w.status = 'skipped'),
    array_agg(distinct w.device_id)
      filter (where w.status = 'pending' and w.due_at <= v_now + interval '15 seconds')
  into v_moved, v_skipped, v_devices
  from written w;
  perform drip._notify_wake(v_devices);
  -- For the verb, in this transaction.
  perform set_config('drip.resumed', json_build_array(v_moved, v_skipped)::text, true);
end
$$;
comment on function drip._resume_messages(bigint[], timestamptz[], timestamptz) is
  'Frees the pending messages of journeys that were paused since then until p_until, by the policy
   in drip.resume_policy: shift (also where none is set), catch_up or skip.';

-- By whole days where there is a time of day, so that a short pause does not cost a day.
create function drip._after_hold(
  p_at timestamptz, p_send_time time, p_zone text, p_since timestamptz, p_until timestamptz)
returns timestamptz
language sql stable parallel safe
as $$
  select case
    when p_send_time is null then p_at + h.length
    when h.length = interval '0' then p_at
    -- the queue made it late, and the pause was short
    when p_at <= p_since and h.length <= interval '12 hours' then p_at
    else drip._next_local_time(
      greatest(
        p_until,
        drip._local_instant(
          (p_at at time zone p_zone)
            + floor(extract(epoch from h.length) / 86400) * interval '1 day',
          p_zone)),
      p_zone, p_send_time)
  end
  from (select drip._exactly(greatest(p_until - p_since, interval '0')) as length) h
$$;
comment on function drip._after_hold(timestamptz, time, text, timestamptz, timestamptz) is
  'The time of a step after a pause that does not count: it moves by its length.';

-- What holds a journey, and since when the first of those does; no hold: nulls.
create function drip._held_by(
  p_enrollment drip.sequence_contacts, p_sequence drip.sequences, p_lead drip.leads)
returns table (held_by text, held_since timestamptz, held_until timestamptz)
language sql immutable parallel safe
as $$
  select
    case
      when p_sequence.status = 'paused' then 'sequence_paused'
      when p_enrollment.paused_at is not null then 'enrollment_paused'
      when p_lead.paused_until is not null then 'lead_paused'
    end,
    least(
      case when p_sequence.status = 'paused' then p_sequence.paused_at end,
      p_enrollment.paused_at,
      case when p_lead.paused_until is not null then p_lead.paused_at end),
    case
      when p_sequence.status = 'paused' or p_enrollment.paused_at is not null then 'infinity'
      else p_lead.paused_until
    end
$$;
comment on function drip._held_by(drip.sequence_contacts, drip.sequences, drip.leads) is
  'What pauses a journey: its sequence, itself or its lead; since when, and until when.';

-- One list of policies for all verbs that resume.
create function drip._resume_policy(p_policy text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_policy constant text := coalesce(lower(btrim(p_policy)), 'shift');
begin
  if v_policy not in ('shift', 'catch_up', 'skip') then
    perform drip._fail(
      'DR001', format('there is no policy %s', quote_literal(left(p_policy, 40))),
      'shift moves the times by the pause, catch_up leaves them, skip drops what is overdue.');
  end if;
  return v_policy;
end
$$;
comment on function drip._resume_policy(text) is
  'shift, catch_up or skip, as given to a verb; DR001 for anything else.';
