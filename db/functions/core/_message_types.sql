-- A new type is listed here and in worker/senders/base.py, allowed by the tables' constraints, and
-- classified in _has_media() and _has_caption(); _check_message() has its other rules.
create function drip._message_types() returns text[]
language sql immutable parallel safe
begin atomic
  select array['text', 'image', 'video', 'document', 'audio', 'template'];
end;
comment on function drip._message_types() is
  'The types of messages, in the order of hints.';
