-- Why is this contact not in a sequence, and what comes next for it? For leads and other phones, by
-- the match of the sweep, the verdict of the claim and the audience of the campaign.
create function drip.explain_lead(p_phone text, p_sequence text default null)
returns table (
  user_id bigint, subject text, id bigint, name text, status text, verdict text, reason text,
  sentence text, earliest timestamptz, remedy text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_sequence drip.sequences;
  v_users bigint[];
  v_user drip.users;
  v_lead drip.leads;
  v_phone text;
  v_problem text;
  v_is_read boolean := false;
begin
  perform drip._require_role('drip_app');
  if p_sequence is not null then
    v_sequence := drip._find_sequence(p_sequence);
    v_users := array[v_sequence.user_id];
  else
    v_users := drip._mapped_users();
    if cardinality(v_users) = 0 then
      perform drip._tenant();
    end if;
  end if;
  for v_user in select u.* from drip.users u where u.id = any (v_users) order by u.id loop
    select r.phone, coalesce(r.problem, v_problem)
    into v_phone, v_problem
    from drip._read_phone(p_phone, v_user.default_region) r;
    continue when v_phone is null;
    v_is_read := true;
    select l.* into v_lead from drip._lead_of_phone(v_user.id, v_phone) l;
    return query select * from drip._explain_contact(v_user, v_lead, v_phone);
    return query select * from drip._explain_enrollments(v_user, v_lead, v_phone, v_sequence.id);
    if v_lead.id is not null and v_sequence.id is null then
      return query select * from drip._explain_messages(v_user, v_lead);
      return query select * from drip._explain_audiences(v_user, v_lead);
    end if;
  end loop;
  if not v_is_read then
    perform drip._fail(
      'DR002', v_problem, 'Write it with + and the country code, such as +60123456789.');
  end if;
end
$$;
comment on function drip.explain_lead(text, text) is
  'What a phone is in, is not in and why, and what comes next: a row for the contact, each sequence
   (or the named one), each pending message outside of sequences, and each unplanned campaign; per
   tenant of the caller. verdict: go, wait, drop, or final; for a sequence that the contact is in,
   reason and earliest are those of the next step.';
grant execute on function drip.explain_lead(text, text) to drip_app;

create function drip._explain_contact(p_user drip.users, p_lead drip.leads, p_phone text)
returns table (
  user_id bigint, subject text, id bigint, name text, status text, verdict text, reason text,
  sentence text, earliest timestamptz, remedy text)
language sql stable
as $$
  select
    p_user.id,
    'contact',
    p_lead.id,
    p_lead.name,
    case
      when p_lead.id is null then 'unknown'
      when sp.category is not null then 'opted out of ' || sp.category
      when p_lead.paused_until > n.now then 'paused'
      else p_lead.target_status
    end,
    case
      when sp.category = 'all' then 'drop'
      when p_lead.id is null or p_lead.paused_until > n.now or not p_user.is_active then 'wait'
      else 'go'
    end,
    x.reason,
    coalesce(drip.reason_sentence(x.reason), 'Nothing about the contact stops messages.'),
    case x.reason when 'lead_paused' then nullif(p_lead.paused_until, 'infinity') end,
    case x.reason
      when 'no_lead' then format(
        drip._as_tenant(p_user.id), format('select * from drip.upsert_lead(%L);', p_phone))
      when 'suppressed' then format(
        E'-- only if the contact asked for it:\n' || drip._as_tenant(p_user.id),
        format('select * from drip.opt_in(%L);', p_phone))
      when 'lead_paused' then format(
        drip._as_tenant(p_user.id), format('select * from drip.resume_lead(%L);', p_phone))
      else drip._standing_remedy(x.reason, p_user.id, null)
    end
  from (select drip.now() as now) n
  left join lateral (
    select k.category
    from drip.suppressions k
    where k.user_id = p_user.id and k.phone_key = drip._phone_key(p_phone)
    order by drip._stop_rank(k.category)
    limit 1
  ) sp on true
  cross join lateral (
    select case
      when sp.category is not null then 'suppressed'
      when p_lead.id is null then 'no_lead'
      when not p_user.is_active then 'user_inactive'
      when p_lead.paused_until > n.now then 'lead_paused'
    end as reason
  ) x
$$;
comment on function drip._explain_contact(drip.users, drip.leads, text) is
  'The row of explain_lead for the contact itself.';

-- Drafts and archived sequences only where the contact is concerned, or when named.
create function drip._explain_enrollments(
  p_user drip.users, p_lead drip.leads, p_phone text, p_sequence_id bigint)
returns table (
  user_id bigint, subject text, id bigint, name text, status text, verdict text, reason text,
  sentence text, earliest timestamptz, remedy text)
language sql stable
as $$
  select
    p_user.id,
    'sequence',
    s.id,
    s.name,
    case when e.is_in then v.enrollment_status else s.status end,
    case
      when e.is_in then coalesce(m.verdict, 'wait')
      when p_lead.id is null then 'drop'
      else v.verdict
    end,
    x.reason,
    case
      when e.is_in then coalesce(
        format('Step %s is next: %s', m.step, m.sentence), 'It is enrolled; no message is pending.')
      else drip.reason_sentence(x.reason) || coalesce(
        case x.reason
          when 'trigger_differs' then format(
            ' It has %s; the sequence needs %s.',
            coalesce(quote_literal(p_lead.trigger), 'none'), quote_literal(v.token))
          when 'niche_differs' then format(
            ' It has %s; the sequence needs %s.',
            coalesce(quote_literal(p_lead.niche), 'none'), quote_literal(s.niche))
          when 'target_status_differs' then format(
            ' It is a %s; the sequence is for a %s.', p_lead.target_status, s.target_status)
          when 'exclusive' then format(
            ' It is in %s.',
            (select quote_literal(o.name)
             from drip.sequences o
             where o.id = v.exclusive_sequence_id))
          when 'older_than_start' then format(
            ' It was changed at %s, and the sequence started at %s (%s).',
            drip._tell_time(p_lead.updated_at, p_user.time_zone),
            drip._tell_time(s.started_at, p_user.time_zone), p_user.time_zone)
          when 'already_enrolled' then format(
            ' It ended at %s (%s) as %s.',
            drip._tell_time(v.completed_at, p_user.time_zone), p_user.time_zone,
            v.enrollment_status)
          when 'reenroll_later' then format(
            ' It may enroll again from %s (%s).',
            drip._tell_time(v.until, p_user.time_zone), p_user.time_zone)
        end, '')
    end,
    case when e.is_in then m.earliest else v.until end,
    case
      when e.is_in then m.remedy
      when x.reason = 'sequence_paused'
        then format('select * from drip.resume_sequence(%L);', s.id::text)
      when x.reason = 'sequence_not_started'
        then format('select * from drip.start_sequence(%L);', s.id::text)
      when x.reason = 'older_than_start' then format(
        'select * from drip.start_sequence(%L, p_include_existing => true);', s.id::text)
      when not drip.can_see_phones() then null
      when x.reason = 'suppressed' then format(
        E'-- only if the contact asked for it:\n' || drip._as_tenant(p_user.id),
        format('select * from drip.opt_in(%L);', p_phone))
      when x.reason = 'exclusive' then format(
        'select * from drip.exit_lead(%L, %L, ''makes room'');',
        v.exclusive_sequence_id::text, p_phone)
      when x.reason in ('already_enrolled', 'reenroll_later') then format(
        'select * from drip.enroll_lead(%L, %L, p_key => ''again'');', s.id::text, p_phone)
      when x.reason in (
        'no_lead', 'trigger_differs', 'niche_differs', 'target_status_differs', 'enrolls_by_hand',
        'enrollment_failed', 'waits_for_sweep')
        then format('select * from drip.enroll_lead(%L, %L);', s.id::text, p_phone)
    end
  from drip.sequences s
  left join drip._enrollment_verdicts v on v.lead_id = p_lead.id and v.sequence_id = s.id
  cross join lateral (
    select coalesce(
      v.enrollment_status in ('pending', 'active', 'sent', 'failed', 'paused'), false) as is_in
  ) e
  left join lateral (
    select q.verdict, q.reason, q.sentence, q.earliest, q.remedy, n.step
    from (
      select b.id, st.day_number as step
      from drip.broadcast_messages b
      join drip.sequence_steps st on st.id = b.sequence_stepid
      where b.sequence_contact_id = v.enrollment_id and b.status in ('pending', 'processing')
      order by st.day_number
      limit 1
    ) n
    cross join lateral drip.explain_message(n.id) q
    where e.is_in
  ) m on true
  cross join lateral (
    select case
      when e.is_in then m.reason
      when p_lead.id is null then 'no_lead'
      else v.reason
    end as reason
  ) x
  where s.user_id = p_user.id
    and case
      when p_sequence_id is not null then s.id = p_sequence_id
      else s.status in ('active', 'paused') or v.enrollment_id is not null
        or (s.status = 'draft' and drip._has_token(p_lead.trigger, v.token))
    end
  order by s.id
$$;
comment on function drip._explain_enrollments(drip.users, drip.leads, text, bigint) is
  'The rows of explain_lead for sequences.';

create function drip._explain_messages(p_user drip.users, p_lead drip.leads)
returns table (
  user_id bigint, subject text, id bigint, name text, status text, verdict text, reason text,
  sentence text, earliest timestamptz, remedy text)
language sql stable
as $$
  select
    p_user.id, 'message', q.message_id, q.source, q.status, q.verdict, q.reason, q.sentence,
    q.earliest, q.remedy
  from (
    select b.id
    from drip.broadcast_messages b
    where b.lead_id = p_lead.id
      and b.sequence_contact_id is null
      and b.status in ('pending', 'processing')
    order by b.due_at, b.id
    limit 50
  ) m
  cross join lateral drip.explain_message(m.id) q
$$;
comment on function drip._explain_messages(drip.users, drip.leads) is
  'The rows of explain_lead for the next 50 messages of campaigns and single ones.';

create function drip._explain_audiences(p_user drip.users, p_lead drip.leads)
returns table (
  user_id bigint, subject text, id bigint, name text, status text, verdict text, reason text,
  sentence text, earliest timestamptz, remedy text)
language sql stable
as $$
  select
    p_user.id,
    'campaign',
    c.id,
    c.title,
    c.status,
    case
      when x.reason in ('suppressed', 'not_in_audience') then 'drop'
      else 'wait'
    end,
    x.reason,
    drip.reason_sentence(x.reason),
    case x.reason
      when 'in_audience' then greatest(n.now, case
        when c.local_time_per_lead then drip._local_instant(
          c.scheduled_at at time zone p_user.time_zone,
          coalesce(p_lead.time_zone, p_user.time_zone))
        else c.scheduled_at
      end)
    end,
    case
      when x.reason = 'campaign_paused'
        then format('select * from drip.resume_campaign(%L);', c.id::text)
      when x.reason in ('campaign_not_scheduled', 'campaign_failed')
        then format('select * from drip.schedule_campaign(%L);', c.id::text)
    end
  from drip.campaigns c
  cross join lateral (
    select
      drip.now() as now,
      drip._is_in_audience(c, p_lead.id) as is_in,
      drip._is_stopped(p_user.id, p_lead.phone, c.category) as is_suppressed
    offset 0
  ) n
  cross join lateral (
    select case
      when n.is_in is null then 'audience_unreadable'
      when not n.is_in then 'not_in_audience'
      when n.is_suppressed then 'suppressed'
      when c.status = 'draft' then 'campaign_not_scheduled'
      when c.status = 'failed' then 'campaign_failed'
      when c.status = 'paused' then 'campaign_paused'
      else 'in_audience'
    end as reason
  ) x
  where c.user_id = p_user.id
    and c.expanded_at is null
    and c.status in ('draft', 'pending', 'triggered', 'paused', 'failed')
    and not exists (
      select
      from drip.broadcast_messages b
      where b.campaign_id = c.id and b.lead_id = p_lead.id)
  order by c.scheduled_at, c.id
$$;
comment on function drip._explain_audiences(drip.users, drip.leads) is
  'The rows of explain_lead for campaigns whose messages are not planned yet.';

-- A registered view may be gone or fail; the explanation goes on without an answer.
create function drip._is_in_audience(p_campaign drip.campaigns, p_lead_id bigint) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from drip._campaign_members(p_campaign, p_lead_id - 1, 1, p_lead_id, 'wanted'));
exception
  when others then
    return null;
end
$$;
comment on function drip._is_in_audience(drip.campaigns, bigint) is
  'Whether the lead is in the campaign''s audience now; null when the audience cannot be read.';
