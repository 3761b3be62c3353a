-- Constraints of the tables check this too; here the error names the path.
create function drip._check_message(
  p_type text, p_content text, p_caption text, p_media_url text, p_template jsonb, p_path text,
  p_content_key text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_empty text;
begin
  if p_type is null or p_type <> all (drip._message_types()) then
    perform drip._fail(
      'DR008', format('%L is not a message type', p_type),
      format('Use %s.', drip._any_of(drip._message_types())));
  end if;
  perform drip._check_length(p_media_url, 'url', p_path || 'media_url');
  perform drip._check_json(p_template, 'template', p_path || 'template');
  if p_type = 'text' then
    if drip._is_blank(p_content) then
      perform drip._fail(
        'DR008', format('%s%s is empty', p_path, p_content_key), 'Give a text message its text.');
    end if;
    if p_media_url is not null then
      perform drip._fail(
        'DR008', format('%smedia_url does not fit message_type text', p_path),
        format(
          'Set %smessage_type to %s.', p_path,
          drip._any_of(array(
            select t.name
            from unnest(drip._message_types()) with ordinality as t (name, place)
            where drip._has_media(t.name)
            order by t.place))));
    end if;
  elsif p_type = 'template' then
    if p_template is null then
      perform drip._fail(
        'DR008', format('%stemplate is missing', p_path),
        'message_type template needs a template object.');
    end if;
    v_empty := (
      select t.path
      from drip._list_texts(null, null, null, p_template, p_path, p_content_key) t
      where t.path ~ e'\\.parameters\\[\\d+\\]\\.text$' and drip._is_blank(t.text)
      order by t.path
      limit 1);
    if v_empty is not null then
      perform drip._fail(
        'DR008', format('%s is empty', v_empty),
        'Meta refuses a template with an empty parameter; give it a text such as {name|friend}.');
    end if;
  elsif drip._has_media(p_type)
    and (p_media_url is null or p_media_url !~ e'^https?://[^\\s]+$')
  then
    perform drip._fail(
      'DR008',
      format('%smedia_url is %s', p_path, case
        when p_media_url is null then 'missing'
        when p_media_url ~ e'^\\s*https?://' then 'an address with a blank in it'
        else 'not an http(s) address'
      end),
      case
        when p_media_url ~ e'^\\s*https?://'
          then 'Write a blank within an address as %20, and none before or behind it.'
        else format('message_type %s needs a media_url such as https://example.com/file.', p_type)
      end);
  end if;
  if p_media_url ~ e'^https?://[^/?#]*[{]' then
    perform drip._fail(
      'DR008', format('%smedia_url has a placeholder in its host', p_path),
      'A value is percent-encoded, so it can only follow: https://example.com/{attributes.file}.');
  end if;
  perform drip._check_parts(p_type, p_content, p_caption, p_path, p_content_key);
end
$$;
comment on function drip._check_message(text, text, text, text, jsonb, text, text) is
  'DR008, with the path, where type, content and media of a message do not match.';

-- What a type does not carry would be dropped at the send, and nobody would be told.
create function drip._check_parts(
  p_type text, p_content text, p_caption text, p_path text, p_content_key text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped constant text := case
    when p_type = 'audio' and not drip._is_blank(p_content) then p_content_key
    when p_type in ('audio', 'text') and not drip._is_blank(p_caption) then 'caption'
  end;
begin
  if v_dropped is not null then
    perform drip._fail(
      'DR008', format('%s%s does not fit message_type %s', p_path, v_dropped, p_type),
      case p_type
        when 'audio' then format(
          'WhatsApp shows no text with audio: set %s to null, or send it as a text of its own.',
          v_dropped)
        else format(
          'A text message has no caption: put it into %s, or set it to null.', p_content_key)
      end);
  end if;
end
$$;
comment on function drip._check_parts(text, text, text, text, text) is
  'DR008, with the path, for a text that a message of this type would not show.';
