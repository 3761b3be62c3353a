-- A new type is listed here and allowed by the tables' constraints; all that it takes:
-- CONTRIBUTING.md, Add a message type.
create function drip._message_types() returns text[]
language sql immutable parallel safe
begin atomic
  select array['text', 'image', 'video', 'document', 'audio', 'template'];
end;
comment on function drip._message_types() is
  'The types of messages, in the order of hints.';
