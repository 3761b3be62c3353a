-- Placeholders and variants may turn out empty, so that what is found is surely too long.
create function drip._long_texts(
  p_user_id bigint, p_devices bigint[], p_message_type text, p_content text, p_caption text,
  p_path text, p_content_key text)
returns table (path text, length integer, characters bigint, platforms text, is_everywhere boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_field constant text := case
    when p_message_type = 'text' then 'text'
    when drip._has_caption(p_message_type) then 'caption'
  end;
  v_key constant text := case
    when v_field = 'caption' and p_caption is not null then 'caption' else p_content_key end;
  v_text constant text := case when v_key = 'caption' then p_caption else p_content end;
  v_length integer;
begin
  if v_field is null or v_text is null
    or not exists (
      select
      from drip.text_limits x
      where x.field = v_field and x.characters < length(v_text))
  then
    return;
  end if;
  v_length := length(regexp_replace(
    regexp_replace(v_text, e'\\[\\[((?!\\[\\[|\\]\\]).)*\\]\\]', '', 'g'),
    e'\\{(name|phone|attributes\\.[[:alnum:]_]+)(\\|[^{}]*)?\\}', '', 'g'));
  return query
    with devices as (
      select d.platform, x.characters, x.characters < v_length as is_short
      from drip.user_devices d
      left join drip.text_limits x on x.platform = d.platform and x.field = v_field
      where d.user_id = p_user_id and (p_devices is null or d.id = any (p_devices))
    )
    select
      p_path || v_key, v_length, max(d.characters) filter (where d.is_short),
      string_agg(distinct d.platform, ', ') filter (where d.is_short),
      bool_and(coalesce(d.is_short, false))
    from devices d
    having bool_or(d.is_short);
end
$$;
comment on function drip._long_texts(bigint, bigint[], text, text, text, text, text) is
  'The text of a message that is longer than some of these devices'' platforms take (null devices:
   all of the tenant), with the limit, the platforms, and whether none of the devices takes it.';
