-- The keys of a campaign's definition: column → kind of value (see _definition_value).
create function drip._campaign_keys() returns jsonb
language sql stable parallel safe
as $$
  select jsonb '{
    "title": "name!", "category": "choice:marketing|utility!", "greeting": "boolean!",
    "message": "text",
    "media_url": "url", "caption": "text", "template": "object",
    "variants": "variants", "niche": "token", "target_status": "target!", "audience": "audience",
    "everyone": "boolean!", "exclude": "audience", "devices": "devices",
    "scheduled_at": "instant", "local_time_per_lead": "boolean!",
    "send_from": "time", "send_to": "time", "send_days": "days", "valid_for": "interval",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer",
    "per_device_limit": "integer", "priority": "class!",
    "id": "read", "user": "read", "user_id": "read", "status": "read", "status_reason": "read",
    "scheduled_local": "read", "audience_count": "read",
    "audience_taken_at": "read", "began_at": "read", "began_definition": "read",
    "expanded_at": "read",
    "paused_at": "read", "last_error": "read", "last_run_at": "read", "completed_at": "read",
    "created_at": "read", "updated_at": "read"
  }'
  || jsonb_build_object(
    'message_type', 'choice:' || array_to_string(drip._message_types(), '|') || '!')
$$;
comment on function drip._campaign_keys() is
  'Keys of a campaign''s definition and the kind of value each takes.';
