-- The same for a step.
create function drip._step_keys() returns jsonb
language sql immutable parallel safe
as $$
  select jsonb '{
    "name": "name", "day_number": "integer!", "trigger": "token", "next_trigger": "token",
    "is_entry_point": "boolean!", "trigger_delay_hours": "number!", "send_time": "time",
    "message_type": "choice:text|image|video|document|audio|template!", "content": "text",
    "media_url": "url", "caption": "text", "template": "object",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer", "valid_for": "interval",
    "only_if": "guard",
    "id": "read", "user_id": "read", "sequence_id": "read", "created_at": "read",
    "updated_at": "read"
  }'
$$;
comment on function drip._step_keys() is
  'Keys of a step''s definition and the kind of value each takes.';
