-- A plain SQL function, so that the planner includes it in the one statement.
create function drip._judge_enrollments(
  p_sequence drip.sequences, p_zone text, p_lead_ids bigint[], p_devices bigint[],
  p_chained_from timestamptz[], p_key text, p_at timestamptz, p_start timestamptz,
  p_delay_hours numeric)
returns table (
  id bigint, phone text, name text, zone text, device_id bigint, is_paused boolean,
  start timestamptz, existing_id bigint, refusal text, reason text)
language sql stable
as $$
  select
    w.id, w.phone, w.name, w.zone, w.device_id, w.is_paused, w.start,
    e.id as existing_id,
    -- to who enrolls, a repeat too early is a repeat
    case r.refusal when 'reenroll_later' then 'already_enrolled' else r.refusal end as refusal,
    case
      when r.refusal = 'suppressed' then 'opted out of ' || s.category
      when r.refusal = 'exclusive' then format(
        'in sequence %s of the group %s', o.sequence_id, (p_sequence).exclusive_group)
      when r.refusal is not null then e.status
    end as reason
  from (
    select
      l.id, l.phone, l.phone_key, l.name,
      coalesce(l.time_zone, p_zone) as zone,
      coalesce((p_sequence).device_id, w.device_id) as device_id,
      l.paused_until is not null as is_paused,
      case
        when p_at is null and w.chained_from is not null
          then greatest(drip.now(), w.chained_from + p_delay_hours * interval '1 hour')
        else p_start
      end as start
    from unnest(p_lead_ids, p_chained_from, p_devices) as w (lead_id, chained_from, device_id)
    join drip.leads l on l.id = w.lead_id
    where l.user_id = (p_sequence).user_id
  ) w
  left join lateral (
    select k.id, k.status, k.completed_at
    from drip.sequence_contacts k
    where k.lead_id = w.id and k.sequence_id = (p_sequence).id and k.key = p_key
    order by k.completed_at is null desc, k.id desc
    limit 1
  ) e on true
  left join lateral (
    select p.category
    from drip.suppressions p
    where p.user_id = (p_sequence).user_id and p.phone_key = w.phone_key
      and drip._stops(p.category, (p_sequence).category)
    order by drip._stop_rank(p.category)
    limit 1
  ) s on true
  left join lateral (
    select k.id, k.sequence_id
    from drip.sequence_contacts k
    where k.user_id = (p_sequence).user_id and k.lead_id = w.id
      and k.exclusive_group = (p_sequence).exclusive_group
      and k.status in ('pending', 'active', 'sent', 'failed', 'paused')
    limit 1
  ) o on (p_sequence).exclusive_group is not null
  cross join lateral (
    select drip._refuse_enrollment(
      e.id, e.completed_at, s.category, (p_sequence).reenroll_after, o.sequence_id) as refusal
  ) r
$$;
comment on function drip._judge_enrollments(
  drip.sequences, text, bigint[], bigint[], timestamptz[], text, timestamptz, timestamptz,
  numeric) is
  'Each lead with its device, zone and start, and why the sequence does not take it, if so.';
