-- Schedules a campaign and says in advance who gets it, who does not, and how long it takes.
create function drip.schedule_campaign(
  p_campaign text, p_at timestamptz default null, p_local timestamp default null)
returns table (
  campaign_id bigint, status text, scheduled_at timestamptz, scheduled_local timestamp,
  audience bigint, excluded_suppressed bigint, estimated_end timestamptz, warnings text[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_zone constant text := (select u.time_zone from drip.users u where u.id = v_campaign.user_id);
  v_at timestamptz;
  v_outlook record;
  v_warnings text[] := '{}';
begin
  perform drip._require_role('drip_app');
  if p_at is not null and p_local is not null then
    perform drip._fail(
      'DR001', 'p_at and p_local are both given', 'Give the instant or the local time, not both.');
  end if;
  perform drip._check_plan_time(p_at, 'p_at');
  if p_local not between timestamp '1970-01-02' and timestamp '9999-12-30' then
    perform drip._fail(
      'DR001', 'p_local is not between the years 1970 and 9999',
      'Write it as ''2026-03-02 09:00'', or leave it out.');
  end if;
  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id for no key update;
  if v_campaign.status not in ('draft', 'pending', 'failed') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'Drafts, campaigns that have not begun and failed ones can be scheduled;'
      ' resume_campaign lets a paused one go on.');
  end if;
  if v_campaign.expanded_to_lead_id = 0 then
    perform drip._check_campaign_texts(v_campaign, true);
  end if;
  v_at := coalesce(
    p_at, drip._local_instant(p_local, v_zone), v_campaign.scheduled_at, v_now);
  if v_at < v_now and v_campaign.expanded_to_lead_id = 0 then
    v_warnings := v_warnings || format(
      'the time %s has passed: it runs at once',
      to_char(v_at at time zone v_zone, 'YYYY-MM-DD HH24:MI'));
    v_at := v_now;
  elsif v_at < v_now then
    v_at := coalesce(v_campaign.scheduled_at, v_now);
  end if;
  update drip.campaigns c
  set status = case when c.expanded_to_lead_id > 0 then 'triggered' else 'pending' end,
    status_reason = null, scheduled_at = v_at, expand_attempts = 0, last_error = null
  where c.id = v_campaign.id
  returning c.* into v_campaign;
  perform drip._audit(
    v_campaign.user_id, 'schedule_campaign', 'campaign', v_campaign.id, null,
    jsonb_build_object('scheduled_at', v_at));

  select
    sum(p.messages) filter (where p.kind = 'audience') as audience,
    coalesce(sum(p.messages) filter (
      where p.kind = 'excluded' and p.reason = 'suppressed'), 0) as suppressed,
    max(p.ends_at) filter (where p.kind = 'audience') as ends_at,
    coalesce(array_agg(p.sentence order by p.place) filter (where p.kind = 'warning'), '{}')
      as warnings
  into v_outlook
  from drip._preview_campaign(v_campaign, null) p;
  return query
    select
      v_campaign.id, v_campaign.status, v_campaign.scheduled_at,
      v_campaign.scheduled_at at time zone v_zone,
      v_outlook.audience::bigint, v_outlook.suppressed::bigint, v_outlook.ends_at,
      v_warnings || v_outlook.warnings;
end
$$;
comment on function drip.schedule_campaign(text, timestamptz, timestamp) is
  'Schedules a campaign at an instant or at the tenant''s local time; with neither, at the
   scheduled_at of its definition, else now. A failed one continues where it stopped. audience,
   excluded_suppressed, estimated_end (when the last message leaves) and warnings are those of
   preview_campaign.';
grant execute on function drip.schedule_campaign(text, timestamptz, timestamp) to drip_app;
