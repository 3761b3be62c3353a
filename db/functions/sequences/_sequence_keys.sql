-- The keys of a sequence's definition: column → kind of value (see _definition_value).
create function drip._sequence_keys() returns jsonb
language sql immutable parallel safe
as $$
  select jsonb '{
    "name": "name!", "description": "text", "trigger": "token", "niche": "token",
    "target_status": "target", "auto_enroll": "choice:trigger|niche|manual!",
    "device": "device", "device_id": "device", "start_delay": "interval!",
    "send_from": "time", "send_to": "time", "send_days": "days", "skip_weekends": "boolean!",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer",
    "category": "choice:marketing|utility!", "greeting": "boolean!",
    "stop_on_reply": "boolean!", "exit_if": "guard", "exclusive_group": "token",
    "reenroll_after": "interval", "on_step_failure": "choice:continue|stop!",
    "priority": "class!",
    "id": "read", "user": "read", "user_id": "read", "status": "read", "is_active": "read",
    "status_reason": "read", "paused_at": "read", "started_at": "read", "created_at": "read",
    "updated_at": "read"
  }'
$$;
comment on function drip._sequence_keys() is
  'Keys of a sequence''s definition and the kind of value each takes.';
