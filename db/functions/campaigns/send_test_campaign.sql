-- All variants by default: testers want to see what contacts get.
create function drip.send_test_campaign(
  p_campaign text, p_phone text, p_variant text default null)
returns table (
  message_id bigint, lead_id bigint, device_id bigint, device_name text, variant text,
  message_type text, content text, caption text, media_url text, template jsonb, outcome text,
  reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
  v_names constant text[] := array(
    select v.variant from drip._campaign_texts(v_campaign) v where v.variant is not null);
begin
  perform drip._require_role('drip_app');
  if nullif(btrim(p_variant), '') is not null and btrim(p_variant) <> all (v_names) then
    perform drip._fail(
      'DR012', format('the campaign %s has no variant %s', quote_literal(v_campaign.title),
                      quote_literal(left(btrim(p_variant), 60))),
      coalesce(
        'The nearest one is ' || quote_literal(drip._nearest(btrim(p_variant), v_names)) || '.',
        'It has none; leave p_variant out.'));
  end if;
  return query
    select s.*
    from drip._campaign_texts(v_campaign) v
    cross join lateral drip._send_test(
      v_campaign.user_id, p_phone, v_campaign.devices, v_campaign.category,
      v_campaign.message_type,
      jsonb_strip_nulls(jsonb_build_object(
        'content', v.message, 'caption', v.caption, 'media_url', v.media_url,
        'template', v.template, 'variant', v.variant, 'greeting', v_campaign.greeting,
        'test_of', v_campaign.title))) s
    where nullif(btrim(p_variant), '') is null and coalesce(v.weight, 1) > 0
      or v.variant = btrim(p_variant);
end
$$;
comment on function drip.send_test_campaign(text, text, text) is
  'Sends the texts of a campaign, drafts too, to one phone within the hour, ahead of other messages:
   one for each variant, or for p_variant. Window, contact caps and pauses do not apply, and no
   report or reply counts it. An unknown phone becomes a lead that is in no audience. Outcomes:
   planned, suppressed, no_device.';
grant execute on function drip.send_test_campaign(text, text, text) to drip_app;
