-- Leads that one would expect in a sequence and that are not in it: by a waiting trigger, by the
-- niche of a sequence that enrolls by niche, or by the niche alone where a trigger is missing. The
-- sweep's own match says why.
create view drip.enrollment_gaps with (security_barrier) as
select
  g.user_id,
  g.lead_id,
  case when (select drip.can_see_phones()) then l.phone else drip.mask_phone(l.phone) end as phone,
  l.name as lead_name,
  l.trigger as lead_trigger,
  l.niche as lead_niche,
  l.target_status as lead_target_status,
  g.token,
  g.sequence_id,
  s.name as sequence_name,
  s.status as sequence_status,
  coalesce(v.verdict, 'drop') as verdict,
  r.reason,
  drip.reason_sentence(r.reason) as sentence,
  v.until as earliest,
  l.updated_at as since,
  case
    when r.reason = 'sequence_paused'
      then format('select * from drip.resume_sequence(%L);', s.id::text)
    when r.reason = 'sequence_not_started'
      then format('select * from drip.start_sequence(%L);', s.id::text)
    when r.reason = 'older_than_start'
      then format('select * from drip.start_sequence(%L, p_include_existing => true);', s.id::text)
    when not (select drip.can_see_phones()) then null
    when r.reason = 'exclusive' then format(
      'select * from drip.exit_lead(%L, %L, ''makes room'');',
      v.exclusive_sequence_id::text, l.phone)
    when r.reason in (
      'no_trigger', 'niche_differs', 'target_status_differs', 'enrolls_by_hand',
      'enrollment_failed')
      then format('select * from drip.enroll_lead(%L, %L);', s.id::text, l.phone)
  end as remedy
from (
  select k.user_id, k.id as lead_id, k.token, q.sequence_id, q.sequence_id as asked_id
  from (
    select distinct k.user_id, k.id, lower(btrim(u.token)) as token
    from drip.leads k
    cross join lateral unnest(string_to_array(k.trigger, ',')) as u (token)
    where k.trigger is not null and btrim(u.token) <> ''
  ) k
  left join drip._entry_tokens q on q.user_id = k.user_id and q.token = k.token
  union all
  select k.user_id, k.id as lead_id, null as token, p.id as sequence_id, p.id as asked_id
  from drip.sequences p
  join drip.leads k on k.user_id = p.user_id and drip._has_token(k.niche, p.niche)
  where p.auto_enroll = 'niche' and p.status in ('active', 'paused')
  union all
  -- the contact has only the niche, and no other sequence chains into this one
  select k.user_id, k.id as lead_id, null as token, n.sequence_id, null as asked_id
  from (
    select q.user_id, q.sequence_id, s.niche, coalesce(s.target_status, 'all') as target_status
    from drip._entry_tokens q
    join drip.sequences s on s.id = q.sequence_id
    where s.auto_enroll = 'trigger'
      and s.status = 'active'
      and s.niche is not null
      and not exists (
        select
        from drip.sequence_steps st
        join drip.sequences o on o.id = st.sequence_id
        where o.user_id = s.user_id and o.id <> s.id and o.status <> 'archived'
          and st.retired_at is null
          and lower(btrim(st.next_trigger)) = q.token)
    offset 0
  ) n
  join drip.leads k
    on k.user_id = n.user_id and k.trigger is null and k.niche is not null
    and drip._has_token(k.niche, n.niche)
    and n.target_status in ('all', k.target_status)
  where not exists (select from drip.sequence_contacts e where e.lead_id = k.id)
) g
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
join (select x.* from drip.leads x where drip._policies_hold('enrollment_gaps')) l
  on l.id = g.lead_id
left join drip.sequences s on s.id = g.sequence_id
-- looked up by both keys: joined as a set, it is every lead with every sequence
left join lateral (
  select w.verdict, w.reason, w.until, w.exclusive_sequence_id
  from drip._enrollment_verdicts w
  where w.lead_id = g.lead_id and w.sequence_id = g.asked_id
  offset 0
) v on true
cross join lateral (
  select case
    when g.sequence_id is null then 'no_sequence'
    when g.asked_id is null then 'no_trigger'
    else v.reason
  end as reason
) r
where r.reason not in ('already_enrolled', 'reenroll_later')
  and g.user_id = any (array(select u.id from drip.users u));
comment on view drip.enrollment_gaps is
  'Grain: lead × sequence, or lead × trigger that no sequence has (lead_id, sequence_id, token).
   Leads that match a sequence by trigger or niche and are not in it, and why.';
comment on column drip.enrollment_gaps.user_id is 'Tenant.';
comment on column drip.enrollment_gaps.lead_id is 'Contact.';
comment on column drip.enrollment_gaps.phone is 'Its phone, E.164; masked without drip_pii.';
comment on column drip.enrollment_gaps.lead_name is 'Its name.';
comment on column drip.enrollment_gaps.lead_trigger is 'Its triggers, a comma list.';
comment on column drip.enrollment_gaps.lead_niche is 'Its niches, a comma list.';
comment on column drip.enrollment_gaps.lead_target_status is 'prospect or customer.';
comment on column drip.enrollment_gaps.token is
  'The contact''s waiting trigger; null where it matches by niche.';
comment on column drip.enrollment_gaps.sequence_id is
  'The sequence it matches; null where no sequence has the trigger.';
comment on column drip.enrollment_gaps.sequence_name is 'Its name.';
comment on column drip.enrollment_gaps.sequence_status is 'Its status.';
comment on column drip.enrollment_gaps.verdict is
  'go: the next sweep enrolls it; wait: once the reason is gone; drop: not by itself.';
comment on column drip.enrollment_gaps.reason is
  'waits_for_sweep, enrollment_failed, suppressed, exclusive, sequence_paused, sequence_not_started,
   niche_differs, target_status_differs, older_than_start, enrolls_by_hand, no_trigger or
   no_sequence.';
comment on column drip.enrollment_gaps.sentence is 'The reason as a sentence.';
comment on column drip.enrollment_gaps.earliest is
  'When it may enroll, where only time decides; else null.';
comment on column drip.enrollment_gaps.since is 'When the contact was last changed.';
comment on column drip.enrollment_gaps.remedy is
  'Statement that fixes it; null where there is none, or it names a phone and drip_pii is missing.';
alter view drip.enrollment_gaps owner to drip_view;
grant select on drip.enrollment_gaps to drip_reader;
