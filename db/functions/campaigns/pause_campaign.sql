-- The trigger on status defers the messages, so that a plain UPDATE has the same effect.
create function drip.pause_campaign(p_campaign text, p_reason text default null)
returns table (campaign_id bigint, status text, pending bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
  v_status text;
  v_outcome text := 'already_paused';
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  update drip.campaigns c
  set status = 'paused', status_reason = nullif(btrim(p_reason), '')
  where c.id = v_campaign.id and c.status in ('pending', 'triggered');
  if found then
    v_outcome := 'paused';
    perform drip._audit(
      v_campaign.user_id, 'pause_campaign', 'campaign', v_campaign.id, p_reason);
  end if;
  select c.status into v_status from drip.campaigns c where c.id = v_campaign.id;
  if v_status <> 'paused' then
    perform drip._fail(
      'DR005', format('the campaign %s is %s', quote_literal(v_campaign.title), v_status),
      'Only a campaign that is pending or triggered can be paused.');
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
comment on function drip.pause_campaign(text, text) is
  'Pauses a campaign: none of its messages is claimed after this has committed. pending counts the
   messages that wait. Outcomes: paused, already_paused.';
grant execute on function drip.pause_campaign(text, text) to drip_app;
