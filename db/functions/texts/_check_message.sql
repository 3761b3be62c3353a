-- Constraints of the tables check this too; here the error names the path.
create function drip._check_message(
  p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_type is null or p_type <> all (drip._message_types()) then
    perform drip._fail(
      'DR008', format('%L is not a message type', p_type),
      format('Use %s.', drip._any_of(drip._message_types())));
  end if;
  perform drip._check_length(p_media_url, 'url', p_path || 'media_url');
  perform drip._check_json(p_template, 'template', p_path || 'template');
  if p_type = 'text' then
    if btrim(coalesce(p_content, '')) = '' then
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
  elsif drip._has_media(p_type)
    and (p_media_url is null or p_media_url !~ e'^https?://[^\\s]+$')
  then
    perform drip._fail(
      'DR008',
      format('%smedia_url is %s', p_path,
             case when p_media_url is null then 'missing' else 'not an http(s) address' end),
      format('message_type %s needs a media_url such as https://example.com/file.', p_type));
  end if;
end
$$;
comment on function drip._check_message(text, text, text, jsonb, text, text) is
  'DR008, with the path, where type, content and media of a message do not match.';
