-- A message argument is an id, looked up among the caller's tenants.
create function drip._own_message(p_message bigint) returns drip.broadcast_messages
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_users constant bigint[] := drip._mapped_users();
  v_message drip.broadcast_messages;
begin
  select m.*
  into v_message
  from drip.broadcast_messages m
  where m.id = p_message and m.user_id = any (v_users);
  if v_message.id is null then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no message %s', coalesce(p_message::text, 'null')),
      'Look it up: select message_id from drip.message_log where …');
  end if;
  return v_message;
end
$$;
comment on function drip._own_message(bigint) is
  'The message of that id, if it belongs to one of the caller''s tenants; else DR012.';
