-- The source of a message's text: its step, its variant, its campaign, or its own values. The
-- planner inlines it into the claim; missing rows are null.
create function drip._source_text(
  p_step drip.sequence_steps, p_campaign drip.campaigns, p_variant jsonb, p_source jsonb)
returns table (content text, caption text, media_url text, template jsonb)
language sql stable
begin atomic
  select
    coalesce(
      (p_step).content, p_variant ->> 'message', (p_campaign).message,
      p_source ->> 'content') as content,
    coalesce(
      (p_step).caption, p_variant ->> 'caption', (p_campaign).caption,
      p_source ->> 'caption') as caption,
    coalesce(
      (p_step).media_url, p_variant ->> 'media_url', (p_campaign).media_url,
      p_source ->> 'media_url') as media_url,
    coalesce(
      (p_step).template, p_variant -> 'template', (p_campaign).template,
      p_source -> 'template') as template;
end;
comment on function drip._source_text(
  drip.sequence_steps, drip.campaigns, jsonb, jsonb) is
  'Content, caption, media and template of a message before rendering.';
