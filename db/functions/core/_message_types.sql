-- A new type is named here and in worker/senders/base.py, admitted by the tables' constraints, and
-- classed in _has_media() and _has_caption(); what else it needs, _check_message() says.
create function drip._message_types() returns text[]
language sql immutable parallel safe
begin atomic
  select array['text', 'image', 'video', 'document', 'audio', 'template'];
end;
comment on function drip._message_types() is
  'The types of messages, in the order in which people are told of them.';
