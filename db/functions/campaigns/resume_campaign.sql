-- Goes on where it stopped: recipients are rows, so none is lost or repeated.
create function drip.resume_campaign(p_campaign text)
returns table (campaign_id bigint, status text, pending bigint, outcome text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
  v_status text;
  v_outcome text := 'already_running';
begin
  update drip.campaigns c
  set status = case
      when c.expanded_at is not null or c.expanded_to_lead_id > 0 then 'triggered'
      else 'pending'
    end,
    status_reason = null
  where c.id = v_campaign.id and c.status = 'paused';
  if found then
    v_outcome := 'resumed';
    perform drip._audit(v_campaign.user_id, 'resume_campaign', 'campaign', v_campaign.id);
  end if;
  select c.status into v_status from drip.campaigns c where c.id = v_campaign.id;
  if v_status not in ('pending', 'triggered') then
    perform drip._fail(
      'DR005', format('the campaign %s is %s', quote_literal(v_campaign.title), v_status),
      'Only a paused campaign can be resumed; schedule_campaign starts a draft.');
  end if;
  return query
    select
      v_campaign.id, v_status,
      (select count(*)
       from drip.broadcast_messages m
       where m.campaign_id = v_campaign.id and m.status = 'pending'),
      v_outcome;
end
$$;
comment on function drip.resume_campaign(text) is
  'Lets a paused campaign go on; pending counts the messages that may leave. Outcomes: resumed,
   already_running.';
grant execute on function drip.resume_campaign(text) to drip_app;
