-- Where does a campaign stand, and what stops it? Its status, time, audience and planning; then its
-- messages by status, and the pending ones by the reason of the claim.
create function drip.explain_campaign(p_campaign text)
returns table (
  place integer, subject text, status text, verdict text, reason text, sentence text,
  messages bigint, earliest timestamptz, evidence jsonb, remedy text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
  v_zone constant text := (select u.time_zone from drip.users u where u.id = v_campaign.user_id);
  v_due constant timestamptz := drip._expands_at(v_campaign);
  v_planned constant bigint := (
    select count(*) from drip.broadcast_messages m where m.campaign_id = v_campaign.id);
  v_audience bigint := v_planned;
  v_reason text := case
    when v_campaign.status = 'draft' then 'campaign_not_scheduled'
    when v_campaign.status = 'cancelled' then 'campaign_cancelled'
    when v_campaign.status = 'paused' then 'campaign_paused'
    when v_campaign.status = 'failed' then 'campaign_failed'
    when v_campaign.expanded_at is null and v_due > v_now then 'not_due'
  end;
begin
  perform drip._require_role('drip_app');
  -- no count is needed once all messages are planned
  if v_campaign.expanded_at is null then
    v_audience := drip._count_audience(v_campaign);
  end if;
  return query
    select
      1, 'campaign', v_campaign.status,
      case
        when v_campaign.status in ('completed', 'cancelled') then 'final'
        when v_reason is null then 'go'
        else 'wait'
      end,
      v_reason,
      coalesce(
        drip.reason_sentence(v_reason),
        case
          when v_campaign.status = 'completed' then 'It is complete.'
          when v_campaign.expanded_at is null then 'Its messages are being planned.'
          else 'It is running.'
        end),
      null::bigint,
      case v_reason when 'not_due' then v_due end,
      jsonb_strip_nulls(jsonb_build_object(
        'title', v_campaign.title, 'status_reason', v_campaign.status_reason,
        'completed_at', v_campaign.completed_at)),
      case
        when v_reason in ('campaign_not_scheduled', 'campaign_failed')
          then format('select * from drip.schedule_campaign(%L);', v_campaign.id::text)
        when v_reason = 'campaign_paused'
          then format('select * from drip.resume_campaign(%L);', v_campaign.id::text)
      end
    union all
    select
      2, 'schedule', case when v_campaign.scheduled_at is null then 'none' else 'set' end,
      case when v_due <= v_now then 'go' else 'wait' end,
      case when v_due <= v_now then null else coalesce(v_reason, 'not_due') end,
      case
        when v_campaign.scheduled_at is null then 'It has no scheduled time.'
        else format(
          'It is for %s%s.',
          drip._tell_time(v_campaign.scheduled_at, v_zone),
          case when v_campaign.local_time_per_lead then ' of each contact''s own clock'
            else format(' (%s)', v_zone) end)
      end,
      null, v_due,
      jsonb_build_object(
        'scheduled_at', v_campaign.scheduled_at,
        'scheduled_local', drip._tell_time(v_campaign.scheduled_at, v_zone), 'zone', v_zone,
        'local_time_per_lead', v_campaign.local_time_per_lead, 'planning_begins_at', v_due),
      null
    union all
    select
      3, 'audience', case when v_campaign.expanded_at is null then 'as of now' else 'planned' end,
      case when v_audience > 0 then 'go' else 'wait' end,
      case when v_audience is null then 'audience_unreadable' end,
      case
        when v_audience is null then drip.reason_sentence('audience_unreadable')
        when v_audience = 0 then 'The audience is empty.'
        else format('%s contacts are in the audience.', v_audience)
      end,
      v_audience, null,
      jsonb_strip_nulls(jsonb_build_object(
        'niche', v_campaign.niche, 'target_status', v_campaign.target_status,
        'audience', v_campaign.audience, 'exclude', v_campaign.exclude,
        'everyone', v_campaign.everyone, 'devices', v_campaign.devices,
        'per_device_limit', v_campaign.per_device_limit)),
      null
    union all
    select
      4, 'planning',
      case
        when v_campaign.expanded_at is not null then 'done'
        when v_campaign.status = 'failed' then 'failed'
        when v_campaign.last_error is not null then 'failing'
        when v_planned > 0 then 'under way'
        else 'not begun'
      end,
      case
        when v_campaign.expanded_at is not null then 'final'
        when v_reason is null then 'go'
        else 'wait'
      end,
      case when v_campaign.expanded_at is null then v_reason end,
      case
        when v_campaign.expanded_at is not null
          then format('All messages were planned by %s (%s).',
                      drip._tell_time(v_campaign.expanded_at, v_zone), v_zone)
        when v_campaign.last_error is not null
          then format('Attempt %s failed: %s', v_campaign.expand_attempts, v_campaign.last_error)
        else format('%s messages are planned so far.', v_planned)
      end,
      v_planned,
      case
        when v_campaign.expanded_at is null and v_campaign.status in ('pending', 'triggered')
          then greatest(v_due, case
            when v_campaign.expand_attempts > 0 then v_campaign.last_run_at
              + v_campaign.expand_attempts * interval '30 seconds'
          end)
      end,
      jsonb_strip_nulls(jsonb_build_object(
        'expanded_at', v_campaign.expanded_at, 'attempts', v_campaign.expand_attempts,
        'last_error', v_campaign.last_error, 'last_run_at', v_campaign.last_run_at)),
      case when v_campaign.status = 'failed'
        then format('select * from drip.schedule_campaign(%L);', v_campaign.id::text) end
    union all
    select
      5, 'sweep', v_campaign.sweeps -> 0 ->> 'kind', 'wait', null,
      format(
        case v_campaign.sweeps -> 0 ->> 'kind'
          when 'free' then 'The resume is being applied to %s waiting messages; those'
            ' done may leave.'
          when 'hold' then 'The pause is being applied to %s waiting messages; none leaves.'
          else 'The cancellation is being applied to %s waiting messages; none leaves.'
        end, q.messages),
      q.messages, v_now,
      jsonb_build_object('sweeps', v_campaign.sweeps),
      'select * from drip.sweep_campaigns();'
    from (
      select count(*) as messages
      from drip.broadcast_messages m
      where m.campaign_id = v_campaign.id and m.status = 'pending'
        and m.lead_id > v_campaign.swept_to_lead_id
    ) q
    where v_campaign.sweeps is not null
    union all
    select
      (10 + row_number() over (order by q.status, q.messages desc, q.reason))::integer,
      'messages', q.status, q.verdict, q.reason, q.sentence, q.messages, q.earliest,
      jsonb_strip_nulls(jsonb_build_object('example_message_id', q.example_id)),
      case when q.status = 'pending' or q.reason = 'unrenderable'
        then drip._remedy(q.example_id, q.reason) end
    from drip._explain_campaign_messages(v_campaign.id) q
    union all
    select
      100, 'messages', 'not planned', 'wait', coalesce(v_reason, 'in_audience'),
      'They are in the audience, and their messages are not planned yet.',
      v_audience - v_planned, v_due, null, null
    where v_audience > v_planned
    order by 1;
end
$$;
comment on function drip.explain_campaign(text) is
  'What decides about a campaign: its status, schedule, audience and planning; then its messages by
   status and reason, the pending ones by the verdict of the claim. The rows messages sum up to the
   audience.';
grant execute on function drip.explain_campaign(text) to drip_app;

create function drip._explain_campaign_messages(p_campaign_id bigint)
returns table (
  status text, verdict text, reason text, sentence text, messages bigint, earliest timestamptz,
  example_id bigint)
language sql stable
as $$
  select
    'pending', f.verdict, f.reason,
    coalesce(
      drip.reason_sentence(f.reason), 'They may go now; their devices send them next.'),
    count(*),
    case f.verdict when 'go' then drip.now() when 'wait' then min(f.until) end,
    min(f.message_id)
  from drip._message_facts f
  where f.campaign_id = p_campaign_id
  group by f.verdict, f.reason
  union all
  select
    m.status,
    case m.status when 'processing' then 'go' else 'final' end,
    m.status_reason,
    coalesce(drip.reason_sentence(m.status_reason), case m.status
      when 'processing' then 'They are being handed over.'
      when 'sent' then 'They were sent.'
      else format('They are %s.', m.status)
    end),
    count(*),
    null,
    min(m.id)
  from drip.broadcast_messages m
  where m.campaign_id = p_campaign_id and m.status <> 'pending'
  group by m.status, m.status_reason
$$;
comment on function drip._explain_campaign_messages(bigint) is
  'All messages of a campaign by status and reason.';

-- A registered view may be gone or fail; the explanation goes on without the count.
create function drip._count_audience(p_campaign drip.campaigns) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select count(*) from drip._campaign_leads(p_campaign, 0, null));
exception
  when others then
    return null;
end
$$;
comment on function drip._count_audience(drip.campaigns) is
  'How many leads are in the campaign''s audience now; null when the audience cannot be read.';
