-- Asked when a campaign is written and once more when it is scheduled.
create function drip._check_campaign_texts(
  p_campaign drip.campaigns, p_judge_attributes boolean)
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  perform drip._check_texts(
    p_campaign.user_id, array_agg(t.path), array_agg(t.text), p_judge_attributes)
  from drip._list_texts(
    p_campaign.message, p_campaign.caption, p_campaign.template, '', 'message') t;
end
$$;
comment on function drip._check_campaign_texts(drip.campaigns, boolean) is
  'DR017 for what _check_texts finds in the texts of a campaign.';
