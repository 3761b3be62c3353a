-- Final: pending messages are cancelled; results of those in flight are still recorded.
create function drip.cancel_campaign(p_campaign text, p_reason text default null)
returns table (campaign_id bigint, status text, changed bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_changed bigint := 0;
  v_outcome text := 'already_cancelled';
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id for no key update;
  if v_campaign.status = 'completed' then
    perform drip._fail(
      'DR005', format('the campaign %s is completed', quote_literal(v_campaign.title)),
      'Its messages have left; there is nothing to cancel.');
  end if;
  if v_campaign.status <> 'cancelled' then
    v_outcome := 'cancelled';
    -- from here on no claim takes any of its messages
    perform drip._shut_out_claims(v_campaign.id);
    select count(*)
    into v_changed
    from drip.broadcast_messages m
    where m.campaign_id = v_campaign.id and m.status = 'pending';
    update drip.campaigns c
    set status = 'cancelled', status_reason = nullif(btrim(p_reason), '')
    where c.id = v_campaign.id;
    perform drip._audit(
      v_campaign.user_id, 'cancel_campaign', 'campaign', v_campaign.id, p_reason);
  end if;
  return query select v_campaign.id, 'cancelled', v_changed, v_outcome;
end
$$;
comment on function drip.cancel_campaign(text, text) is
  'Ends a campaign for good; changed counts the cancelled messages. Views show them as cancelled at
   once; the rows of more than 5,000 follow in chunks. Outcomes: cancelled, already_cancelled.';
grant execute on function drip.cancel_campaign(text, text) to drip_app;
