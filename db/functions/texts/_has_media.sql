-- The types that need a media URL, listed once.
create function drip._has_media(p_message_type text) returns boolean
language sql immutable parallel safe
begin atomic
  select p_message_type in ('image', 'video', 'document', 'audio');
end;
comment on function drip._has_media(text) is
  'True for a message type whose file is at a media URL.';
