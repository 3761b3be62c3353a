-- Drops, defers or chooses messages: at most one of a lead, and of a device as many as its delays
-- and its burst allow. Where the device is the reason to wait, its messages stay as they are.
create function drip._judge_heads(
  p_heads bigint[], p_depth integer, p_room integer, p_leads bigint[],
  p_asked bigint[], p_verdicts text[], p_reasons text[], p_untils timestamptz[],
  out ids bigint[], out delays numeric[], out leads bigint[],
  out unserved bigint[], out after timestamptz[],
  out blocked bigint[], out blocked_until timestamptz[],
  out dropped_from bigint[], out exits bigint[])
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_relook constant interval := interval '1 minute';
  c_stopped constant text[] := array['campaign_paused', 'campaign_cancelled'];
  v_now constant timestamptz := drip.now();
begin
  with judged as materialized (
    select
      f.message_id,
      -- a guard's reason is none of the device
      not g.is_asked and f.reason is not null and drip._reasons() -> f.reason ? 'stops_device'
        as is_device,
      case when g.is_asked then coalesce(p_verdicts[g.place], 'later') else f.verdict end
        as verdict,
      case when g.is_asked then p_reasons[g.place] else f.reason end as reason,
      case when g.is_asked then p_untils[g.place] else f.until end as until,
      f.device_id, f.lead_id, f.priority, f.due_at, f.burst, f.is_capped, f.enrollment_id,
      f.delay_seconds
    from drip._judged_heads(p_heads) f
    cross join lateral (
      select
        f.is_guarded and f.verdict = 'go' as is_asked,
        case when f.is_guarded then array_position(p_asked, f.message_id) end as place
    ) g
  ),
  dropped as (
    update drip.broadcast_messages m
    set status = case j.reason
        when 'expired' then 'expired'
        when 'guard_false' then 'skipped'
        else 'cancelled'
      end,
      status_reason = j.reason,
      finished_at = v_now,
      not_before = null,
      deferred_reason = null
    from judged j
    where j.verdict = 'drop' and m.id = j.message_id
    returning m.sequence_contact_id
  ),
  deferred as (
    update drip.broadcast_messages m
    set not_before = case when j.until > v_now then j.until else v_now + c_relook end,
      deferred_reason = j.reason
    from judged j
    where j.verdict = 'wait'
      and not j.is_device
      and m.id = j.message_id
    returning m.id
  ),
  chosen as (
    select g.message_id, g.lead_id, g.delay_seconds
    from (
      select
        j.message_id,
        j.lead_id,
        j.delay_seconds,
        -- the first pass took no more heads than fit; a deeper one has more
        case
          when p_depth = 1 then null
          when j.is_capped then 1
          else j.burst - (
            select count(*)
            from drip.broadcast_messages b
            where b.device_id = j.device_id and b.status = 'processing')
        end as free_slots,
        row_number() over (
          partition by j.device_id order by j.priority, j.due_at, j.message_id)
          as place_on_device,
        sum(j.delay_seconds) over (
          partition by j.device_id order by j.priority, j.due_at, j.message_id
          rows between unbounded preceding and 1 preceding) as before_it,
        row_number() over (
          partition by j.lead_id order by j.priority, j.due_at, j.message_id) as place_of_lead
      from judged j
      where j.verdict = 'go'
    ) g
    where coalesce(g.before_it, 0) = 0
      and g.place_of_lead = 1
      and g.lead_id <> all (p_leads)
      and (g.free_slots is null or g.place_on_device <= g.free_slots)
    order by g.place_on_device, g.message_id
    limit greatest(p_room, 0)
  ),
  -- deeper passes are for devices that could send if they had a head that may go; the last pass
  -- only for those whose heads all belong to campaigns stopped a moment ago
  passed_over as (
    select j.device_id, case when p_depth > 1 then max(j.due_at) end as after
    from judged j
    group by j.device_id
    having bool_and(j.verdict <> 'go' and not j.is_device)
      and (p_depth = 1 or bool_and(j.reason = any (c_stopped)))
  ),
  stopped as (
    select j.device_id, max(j.until) as until
    from judged j
    where j.is_device
    group by j.device_id
  )
  select
    (select array_agg(c.message_id order by c.message_id) from chosen c),
    (select array_agg(c.delay_seconds order by c.message_id) from chosen c),
    (select array_agg(c.lead_id) from chosen c),
    (select array_agg(o.device_id order by o.device_id) from passed_over o),
    (select array_agg(o.after order by o.device_id) from passed_over o),
    (select array_agg(s.device_id order by s.device_id) from stopped s),
    (select array_agg(s.until order by s.device_id) from stopped s),
    (select array_agg(d.sequence_contact_id)
     from dropped d
     where d.sequence_contact_id is not null),
    (select array_agg(j.enrollment_id) from judged j where j.verdict = 'exit')
  into ids, delays, leads, unserved, after, blocked, blocked_until, dropped_from, exits;
end
$$;
comment on function drip._judge_heads(
  bigint[], integer, integer, bigint[], bigint[], text[], text[], timestamptz[]) is
  'Judges these heads. p_room: how many may go; p_leads: leads of messages already claimed; p_asked
   and the next three: the guards'' verdicts. Returns the messages to send (ids, delays in seconds,
   leads), the devices for a deeper pass and after which time, those that cannot send and until
   when, the enrollments of dropped messages, and those that a guard ends.';
