-- Neither gateway sends a text with audio.
create function drip._has_caption(p_message_type text) returns boolean
language sql immutable parallel safe
begin atomic
  select drip._has_media(p_message_type) and p_message_type <> 'audio';
end;
comment on function drip._has_caption(text) is
  'True for a type of message whose file has a text below it.';
