-- A {phone} in a text shows a phone, so it is masked too.
create function drip._shown_text(
  p_content text, p_caption text, p_template jsonb, p_phone text, p_shows_phones boolean)
returns table (content text, caption text, template jsonb)
language sql immutable parallel safe
as $$
  select
    case when p_shows_phones then p_content else drip.mask_phone_in(p_content, p_phone) end,
    case when p_shows_phones then p_caption else drip.mask_phone_in(p_caption, p_phone) end,
    case
      when p_shows_phones then p_template
      else drip.mask_phone_in(p_template::text, p_phone)::jsonb
    end
$$;
comment on function drip._shown_text(text, text, jsonb, text, boolean) is
  'Rendered texts, with the phone masked in them unless the caller may see it.';
