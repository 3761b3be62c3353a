-- The possible texts of a campaign's messages: those of each variant, or the campaign's own.
create function drip._campaign_texts(p_campaign drip.campaigns)
returns table (
  variant text, weight numeric, path text, message text, caption text, media_url text,
  template jsonb)
language sql stable
as $$
  select
    e.value ->> 'name',
    (e.value ->> 'weight')::numeric,
    format('variants[%s].', e.place),
    coalesce(e.value ->> 'message', p_campaign.message),
    coalesce(e.value ->> 'caption', p_campaign.caption),
    coalesce(e.value ->> 'media_url', p_campaign.media_url),
    coalesce(e.value -> 'template', p_campaign.template)
  from jsonb_array_elements(p_campaign.variants) with ordinality as e (value, place)
  union all
  select
    null, null, '', p_campaign.message, p_campaign.caption, p_campaign.media_url,
    p_campaign.template
  where p_campaign.variants is null
$$;
comment on function drip._campaign_texts(drip.campaigns) is
  'The texts of a campaign before rendering, one row per variant.';
