-- One by one they would fail at the gateway.
create function drip._check_fits(
  p_user_id bigint, p_devices bigint[], p_message_type text, p_content text, p_caption text,
  p_path text, p_content_key text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found record;
begin
  select l.path, l.length, l.characters, l.platforms
  into v_found
  from drip._long_texts(
    p_user_id, p_devices, p_message_type, p_content, p_caption, p_path, p_content_key) l
  where l.is_everywhere;
  if found then
    perform drip._fail(
      'DR021',
      format(
        '%s has at least %s characters; %s takes %s', v_found.path, v_found.length,
        v_found.platforms, v_found.characters),
      'Shorten it: none of the devices concerned could send it.');
  end if;
end
$$;
comment on function drip._check_fits(bigint, bigint[], text, text, text, text, text) is
  'DR021, with the path, for a text that none of these devices could send.';
