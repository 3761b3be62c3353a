-- Continues where the campaign stopped: recipients are rows, so none is lost or repeated. The
-- policy says what the pause does to pending messages.
create function drip.resume_campaign(p_campaign text, p_policy text default 'shift')
returns table (
  campaign_id bigint, status text, pending bigint, moved bigint, skipped bigint, outcome text,
  scheduled_before timestamptz, scheduled_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_policy constant text := coalesce(lower(btrim(p_policy)), 'shift');
  v_resumed jsonb := '[0, 0]';
  v_pending bigint;
  v_before timestamptz;
  v_outcome text := 'already_running';
begin
  perform drip._require_role('drip_app');
  if v_policy not in ('shift', 'catch_up', 'skip') then
    perform drip._fail(
      'DR001', format('there is no policy %s', quote_literal(p_policy)),
      'shift moves the times by the pause, catch_up keeps them, skip drops what fell due.');
  end if;
  perform set_config('drip.resume_policy', v_policy, true);
  select c.scheduled_at
  into v_before
  from drip.campaigns c
  where c.id = v_campaign.id
  for no key update;
  update drip.campaigns c
  set status = case
      when c.expanded_at is not null or c.expanded_to_lead_id > 0 then 'triggered'
      else 'pending'
    end,
    status_reason = null
  where c.id = v_campaign.id and c.status = 'paused';
  if found then
    v_outcome := 'resumed';
    v_resumed := current_setting('drip.resumed')::jsonb;
    perform drip._audit(
      v_campaign.user_id, 'resume_campaign', 'campaign', v_campaign.id, null,
      jsonb_build_object('policy', v_policy));
  end if;
  perform set_config('drip.resume_policy', '', true);
  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id;
  if v_campaign.status not in ('pending', 'triggered') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'Only a paused campaign can be resumed; schedule_campaign starts a draft.');
  end if;
  select count(*)
  into v_pending
  from drip.broadcast_messages m
  where m.campaign_id = v_campaign.id and m.status = 'pending';
  return query
    select
      v_campaign.id, v_campaign.status,
      -- a large campaign's messages will be skipped later
      v_pending - case
        when v_campaign.sweeps is null then 0 else (v_resumed ->> 1)::bigint end,
      -- null: all messages of a large campaign
      coalesce((v_resumed ->> 0)::bigint, v_pending), (v_resumed ->> 1)::bigint, v_outcome,
      v_before, v_campaign.scheduled_at;
end
$$;
comment on function drip.resume_campaign(text, text) is
  'Resumes a paused campaign. p_policy: shift (times move by the length of the pause, by each
   lead''s local time by whole days, and the pause does not count for valid_for; a date that is
   still ahead stays), catch_up (times stay), skip (messages that became due in the pause are
   skipped); it also applies to leads whose message is not planned yet. pending counts the messages
   that may leave, moved those whose time moves; scheduled_before and scheduled_at are the time of
   the campaign, which a pause moves from when its messages were to be planned. Messages of a
   campaign with more than 5,000 pending are freed in chunks. Outcomes: resumed,
   already_running.';
grant execute on function drip.resume_campaign(text, text) to drip_app;
