-- The keys of a step's definition: column → kind of value.
create function drip._step_keys() returns jsonb
language sql stable parallel safe
as $$
  select jsonb '{
    "name": "name", "day_number": "integer!", "trigger": "token", "next_trigger": "token",
    "is_entry_point": "boolean!", "trigger_delay_hours": "number!", "send_time": "time",
    "content": "text", "media_url": "url", "caption": "text", "template": "object",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer", "valid_for": "interval",
    "only_if": "guard",
    "id": "read", "user_id": "read", "sequence_id": "read", "created_at": "read",
    "updated_at": "read"
  }'
  || jsonb_build_object(
    'message_type', 'choice:' || array_to_string(drip._message_types(), '|') || '!')
$$;
comment on function drip._step_keys() is
  'Keys of a step''s definition and the kind of value each takes.';
