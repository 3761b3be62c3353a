-- Would the sweep enroll this lead into this sequence, and if not, why? By the sweep's own match,
-- then by _enroll()'s refusals. It belongs to the owner, so it shows every tenant, and
-- all of its pairs, so readers filter by user_id, lead and sequence.
create view drip._enrollment_verdicts as
select
  l.user_id,
  l.id as lead_id,
  s.id as sequence_id,
  t.token,
  e.id as enrollment_id,
  e.status as enrollment_status,
  e.completed_at,
  o.sequence_id as exclusive_sequence_id,
  case
    when x.reason = 'waits_for_sweep' then 'go'
    when x.reason in (
      'sequence_paused', 'sequence_not_started', 'suppressed', 'reenroll_later', 'exclusive',
      'enrollment_failed') then 'wait'
    else 'drop'
  end as verdict,
  x.reason,
  case x.reason
    when 'reenroll_later' then e.completed_at + drip._exactly(s.reenroll_after)
  end as until
from drip.leads l
join drip.sequences s on s.user_id = l.user_id
cross join lateral (
  -- as in _entry_token()
  select
    lower(coalesce(
      nullif(btrim(s.trigger), ''),
      (select nullif(btrim(st.trigger), '')
       from drip.sequence_steps st
       where st.sequence_id = s.id and st.is_entry_point))) as token
  offset 0
) t
left join lateral (
  select k.id, k.status, k.completed_at
  from drip.sequence_contacts k
  where k.lead_id = l.id and k.sequence_id = s.id and k.key = ''
  order by k.completed_at is null desc, k.id desc
  limit 1
) e on true
left join lateral (
  select p.category
  from drip.suppressions p
  where p.user_id = l.user_id and p.phone_key = l.phone_key and drip._stops(p.category, s.category)
  limit 1
) sp on true
left join lateral (
  select k.sequence_id
  from drip.sequence_contacts k
  where k.user_id = l.user_id and k.lead_id = l.id
    and k.exclusive_group = s.exclusive_group
    and k.status in ('pending', 'active', 'sent', 'failed', 'paused')
  limit 1
) o on s.exclusive_group is not null
cross join lateral (
  select drip._refuse_enrollment(
    e.id, e.completed_at, sp.category, s.reenroll_after, o.sequence_id) as refusal
) r
cross join lateral (
  select case
    when e.id is not null and e.completed_at is null then 'already_enrolled'
    when s.status = 'draft' then 'sequence_not_started'
    when s.status = 'archived' then 'sequence_archived'
    when s.auto_enroll = 'manual' then 'enrolls_by_hand'
    when not drip._matches_sequence(l, s, t.token) then case
      when s.auto_enroll = 'trigger' and not drip._has_token(l.trigger, t.token)
        then 'trigger_differs'
      when l.niche is null and s.auto_enroll = 'niche' then 'niche_differs'
      when s.niche is not null and not drip._has_token(l.niche, s.niche) then 'niche_differs'
      when coalesce(s.target_status, 'all') not in ('all', l.target_status)
        then 'target_status_differs'
      else 'older_than_start'
    end
    when s.status = 'paused' then 'sequence_paused'
    -- by niche a lead enrolls once, under any key
    when s.auto_enroll = 'niche' and exists (
      select
      from drip.sequence_contacts k
      where k.lead_id = l.id and k.sequence_id = s.id) then 'already_enrolled'
    when r.refusal is not null then r.refusal
    when exists (
      select
      from drip.task_runs r
      where r.name = 'enroll_matching_leads'
        and starts_with(r.last_error, format('lead %s, sequence %s:', l.id, s.id)))
      then 'enrollment_failed'
    else 'waits_for_sweep'
  end as reason
) x;
comment on view drip._enrollment_verdicts is
  'Grain: lead × sequence of its tenant. Whether the sweep would enroll it, and why not; private.';
grant select on drip._enrollment_verdicts to drip_view;
