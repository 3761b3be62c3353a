-- Creates a tenant with a copy of the sequence, one device and one lead, simulates their journey
-- with the functions that plan and judge, and rolls everything back: no row in use is touched.
create function drip.preview_timeline(
  p_sequence text, p_at timestamptz default null, p_time_zone text default null)
returns table (
  step integer, step_name text, message_type text, planned_at timestamptz,
  planned_local timestamp, leaves_at timestamptz, leaves_local timestamp, outcome text,
  reason text, time_zone text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_now constant timestamptz := drip.now();
  v_zone text := nullif(btrim(p_time_zone), '');
  v_clock text[];
  v_rows jsonb;
begin
  perform drip._require_role('drip_app');
  if v_zone is not null and not drip._is_time_zone(v_zone) then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is not a time zone', quote_literal(left(v_zone, 60))),
      'Write an IANA name such as Asia/Kuala_Lumpur.');
  end if;
  perform drip._check_plan_time(p_at, 'p_at');
  v_zone := coalesce(
    v_zone, (select u.time_zone from drip.users u where u.id = v_sequence.user_id));
  v_clock := drip._move_clock(v_now);
  begin
    v_rows := drip._simulate_journey(v_sequence, p_at, v_zone);
    raise exception using errcode = 'DR999';
  exception
    when sqlstate 'DR999' then
      null;
  end;
  perform drip._restore_clock(v_clock);
  return query
    select
      r.step, r.step_name, r.message_type, r.planned_at, r.planned_at at time zone v_zone,
      r.leaves_at, r.leaves_at at time zone v_zone, r.outcome, r.reason, v_zone
    from jsonb_to_recordset(v_rows) as r (
      step integer, step_name text, message_type text, planned_at timestamptz,
      leaves_at timestamptz, outcome text, reason text)
    order by r.step;
end
$$;
comment on function drip.preview_timeline(text, timestamptz, text) is
  'When each step of a sequence would leave for a new contact in p_time_zone (else the tenant''s)
   who is enrolled to begin at p_at (else after start_delay from now): planned, and after windows,
   days, validity, and the pacing and hours of the sequence''s device (else the pool''s first);
   random delays differ for each contact. Other contacts'' messages, guards'' answers and the
   device''s caps are ignored. outcome sent, or expired or skipped with the reason; pending where
   it cannot leave in 400 days.';
grant execute on function drip.preview_timeline(text, timestamptz, text) to drip_app;

create function drip._simulate_journey(
  p_sequence drip.sequences, p_at timestamptz, p_zone text)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_longest constant interval := interval '400 days';
  -- twice a day the hours of a device and of a program may miss each other
  c_rounds constant integer := 1000;
  v_at timestamptz := coalesce(p_at, drip.now() + drip._exactly(p_sequence.start_delay));
  v_user bigint;
  v_own drip.user_devices;
  v_device bigint;
  v_lead bigint;
  v_copy bigint;
  v_enrollment bigint;
begin
  insert into drip.users (
    name, time_zone, default_region, language, send_from, send_to, send_days, contact_cap,
    contact_cap_period, contact_gap, unknown_hold, created_at)
  select
    'preview of ' || p_sequence.id || '?', u.time_zone, u.default_region, u.language,
    u.send_from, u.send_to, u.send_days, u.contact_cap, u.contact_cap_period, u.contact_gap,
    u.unknown_hold, v_at
  from drip.users u
  where u.id = p_sequence.user_id
  returning id into v_user;
  -- the pacing and hours of the device that it would have, where that is known beforehand
  select d.*
  into v_own
  from drip.user_devices d
  where d.user_id = p_sequence.user_id
    and case
      when p_sequence.device_id is null then d.in_pool and d.status <> 'disabled'
      else d.id = p_sequence.device_id
    end
  order by d.id
  limit 1;
  insert into drip.user_devices (
    user_id, name, platform, status_since, min_delay_seconds, max_delay_seconds, active_from,
    active_to, created_at)
  values (
    v_user, 'preview', 'gowa', v_at, coalesce(v_own.min_delay_seconds, 0),
    coalesce(v_own.max_delay_seconds, 0), v_own.active_from, v_own.active_to, v_at)
  returning id into v_device;
  insert into drip.device_pacing (device_id, user_id, next_look_at, next_send_at)
  values (v_device, v_user, v_at, v_at);
  insert into drip.leads (user_id, phone, name, time_zone, created_at, updated_at, enroll_check)
  values (v_user, '+99900000000001', 'Preview', p_zone, v_at, v_at, false)
  returning id into v_lead;
  insert into drip.sequences (
    user_id, name, auto_enroll, start_delay, send_from, send_to, send_days, skip_weekends,
    min_delay_seconds, max_delay_seconds, category, on_step_failure, priority, device_id,
    created_at, updated_at)
  values (
    v_user, 'preview', 'manual', p_sequence.start_delay, p_sequence.send_from,
    p_sequence.send_to, p_sequence.send_days, p_sequence.skip_weekends,
    p_sequence.min_delay_seconds, p_sequence.max_delay_seconds, p_sequence.category,
    p_sequence.on_step_failure, p_sequence.priority, v_device, v_at, v_at)
  returning id into v_copy;
  insert into drip.sequence_steps (
    user_id, sequence_id, day_number, name, is_entry_point, trigger_delay_hours, send_time,
    message_type, content, media_url, caption, template, min_delay_seconds, max_delay_seconds,
    valid_for, created_at, updated_at)
  select
    v_user, v_copy, st.day_number, st.name, st.is_entry_point, st.trigger_delay_hours,
    st.send_time, st.message_type, st.content, st.media_url, st.caption, st.template,
    st.min_delay_seconds, st.max_delay_seconds, st.valid_for, v_at, v_at
  from drip.sequence_steps st
  where st.sequence_id = p_sequence.id and st.retired_at is null
  order by st.day_number;
  update drip.sequences s set status = 'active' where s.id = v_copy;

  select e.enrollment_id
  into v_enrollment
  from drip._enroll(v_copy, array[v_lead], p_at, '{}', '') e;
  perform drip._move_clock(least(v_at, drip.now()));
  return (
    select jsonb_agg(jsonb_build_object(
      'step', st.day_number, 'step_name', st.name, 'message_type', m.message_type,
      'planned_at', m.planned_at, 'reason', a.reason,
      'leaves_at', case when a.verdict = 'go' then a.at end,
      'outcome', case a.verdict
        when 'go' then 'sent' when 'drop' then 'expired' else 'pending' end))
    from drip._forecast_journey(
      (select f.id
       from drip.broadcast_messages f
       join drip.sequence_steps fs on fs.id = f.sequence_stepid
       where f.sequence_contact_id = v_enrollment
       order by fs.day_number desc
       limit 1),
      v_at + c_longest, c_rounds) a
    join drip.broadcast_messages m on m.id = a.message_id
    join drip.sequence_steps st on st.id = m.sequence_stepid);
end
$$;
comment on function drip._simulate_journey(drip.sequences, timestamptz, text) is
  'One journey through a copy of a sequence, simulated to its end; the rows of preview_timeline.';
