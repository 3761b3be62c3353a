-- Who would get it, who not and why, and when each device would have sent its part. Writes nothing:
-- audience, devices and verdict come from the expansion and the claim, times from
-- _forecast_queue().
create function drip.preview_campaign(p_campaign text, p_policy text default 'shift')
returns table (
  place integer, kind text, subject text, reason text, sentence text, messages bigint,
  first_at timestamptz, first_local timestamp, ends_at timestamptz, ends_local timestamp,
  evidence jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_policy text := drip._resume_policy(p_policy);
  v_zone constant text := (select u.time_zone from drip.users u where u.id = v_campaign.user_id);
begin
  perform drip._require_role('drip_app');
  if v_campaign.status in ('completed', 'cancelled') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'explain_campaign says what became of it.');
  end if;
  if v_campaign.status not in ('paused', 'failed') then
    v_policy := null;
  else
    v_campaign.paused_at := coalesce(v_campaign.paused_at, drip.now());
    if v_campaign.status = 'paused' then
      v_campaign := drip._resumed_campaign(
        v_campaign, v_policy, v_campaign.paused_at, drip.now());
    end if;
  end if;
  return query
    select
      r.place, r.kind, r.subject, r.reason, r.sentence, r.messages, r.first_at,
      r.first_at at time zone v_zone, r.ends_at, r.ends_at at time zone v_zone, r.evidence
    from drip._preview_campaign(v_campaign, v_policy) r
    order by r.place;
end
$$;
comment on function drip.preview_campaign(text, text) is
  'What a campaign would do if it were scheduled as it is, or resumed now by p_policy (shift,
   catch_up or skip, as in resume_campaign) if it is paused. Kinds: audience (all of them; first_at
   and ends_at are when the first and the last message leave), the sum of excluded (never a message:
   excluded, suppressed, campaign_device_limit, skipped_by_resume), done (planned and no longer
   pending), drops (cancelled at its turn), waits (for a person), expires, left (not within 400
   days) and leaves; device (what leaves it, and when it has sent its part; evidence has what goes
   first, its pacing, caps and hours); day (what leaves on each local day); warning (a code and its
   sentence). Leads, devices and reasons are those of the expansion if nothing changes until then.
   Times are exact to the second for a device with at most 1,000 pending messages, these included;
   above that they use the mean delay. Contact rules, an account''s reach, guards and messages
   planned meanwhile are ignored: warnings name the settings, and how many messages they may delay
   at most.';
grant execute on function drip.preview_campaign(text, text) to drip_app;
