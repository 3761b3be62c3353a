-- Checked when a campaign is written and again when it is scheduled.
create function drip._check_campaign_texts(
  p_campaign drip.campaigns, p_judge_attributes boolean)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._check_message(
    p_campaign.message_type, v.message, v.caption, v.media_url, v.template, v.path, 'message')
  from drip._campaign_texts(p_campaign) v;
  perform drip._check_fits(
    p_campaign.user_id, p_campaign.devices, p_campaign.message_type, v.message, v.caption, v.path,
    'message')
  from drip._campaign_texts(p_campaign) v;
  perform drip._check_texts(
    p_campaign.user_id, array_agg(t.path), array_agg(t.text), p_judge_attributes)
  from drip._campaign_texts(p_campaign) v
  cross join lateral drip._list_texts(
    v.message, v.caption, v.media_url, v.template, v.path, 'message') t;
end
$$;
comment on function drip._check_campaign_texts(drip.campaigns, boolean) is
  'DR017 for problems that _check_texts finds in the texts of a campaign and its variants, DR008 for
   a variant without a part that its type needs.';
