-- The final texts of a message: one expression for the claim and every preview, which the planner
-- inlines into the claim. A greeting precedes a text, or a media message's caption; Meta stores the
-- text of a template itself, so only the parameters of its components are filled.
create function drip._render_message(
  p_message_type text, p_content text, p_caption text, p_media_url text, p_template jsonb,
  p_has_greeting boolean, p_user_id bigint, p_language text, p_zone text, p_at timestamptz,
  p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint)
returns table (content text, caption text, media_url text, template jsonb)
language sql stable
as $$
  select
    case
      when p_message_type = 'text' then
        case
          when p_has_greeting
            then coalesce(drip._greeting(p_user_id, p_language, p_zone, p_at, p_name), '')
          else ''
        end
        || drip._render(
          p_content, p_name, p_phone, p_lead_attributes, p_enrollment_attributes, p_seed)
    end,
    case
      when drip._has_caption(p_message_type) then
        case
          when p_has_greeting
            then coalesce(drip._greeting(p_user_id, p_language, p_zone, p_at, p_name), '')
          else ''
        end
        || drip._render(
          coalesce(p_caption, p_content), p_name, p_phone, p_lead_attributes,
          p_enrollment_attributes, p_seed)
    end,
    case
      when position('{' in p_media_url) > 0 then drip._render_url(
        p_media_url, p_name, p_phone, p_lead_attributes, p_enrollment_attributes)
      else p_media_url
    end,
    case
      when p_template ? 'components' then p_template || jsonb_build_object(
        'components',
        drip._render_template(
          p_template -> 'components', p_name, p_phone, p_lead_attributes,
          p_enrollment_attributes, p_seed))
      else p_template
    end
$$;
comment on function drip._render_message(
  text, text, text, text, jsonb, boolean, bigint, text, text, timestamptz, text, text, jsonb, jsonb,
  bigint) is
  'Content, caption, media and template of a message as sent at that time.';
