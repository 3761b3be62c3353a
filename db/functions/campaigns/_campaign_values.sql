-- What a definition of a campaign may say: column → kind of value (see _definition_value).
create function drip._campaign_keys() returns jsonb
language sql immutable parallel safe
as $$
  select jsonb '{
    "title": "name!", "category": "choice:marketing|utility!", "greeting": "boolean!",
    "message": "text",
    "message_type": "choice:text|image|video|document|audio|template!",
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
$$;
comment on function drip._campaign_keys() is
  'Keys of a campaign''s definition and the kind of value each takes.';

create function drip._campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values constant jsonb := drip._read_definition(
    p_definition, drip._campaign_keys(), '', p_user, p_is_change);
begin
  perform drip._check_delays(
    (v_values ->> 'min_delay_seconds')::integer, (v_values ->> 'max_delay_seconds')::integer, '');
  return v_values;
end
$$;
comment on function drip._campaign_values(bigint, jsonb, boolean) is
  'The columns of campaigns that a definition sets, checked.';

create function drip._insert_campaign(p_user bigint, p_definition jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values jsonb := drip._campaign_values(p_user, p_definition, false);
  v_id bigint;
begin
  if v_values ->> 'title' is null then
    perform drip._fail('DR001', 'the definition has no title', 'Add "title": "…".');
  end if;
  -- each variant is looked at when the row is written
  if coalesce(jsonb_typeof(v_values -> 'variants'), 'null') = 'null' then
    perform drip._check_message(
      coalesce(v_values ->> 'message_type', 'text'), v_values ->> 'message',
      v_values ->> 'media_url', nullif(v_values -> 'template', 'null'), '', 'message');
  end if;
  v_values := v_values || jsonb_build_object(
    'user_id', p_user, 'created_at', drip.now(), 'updated_at', drip.now());
  execute format(
    'insert into drip.campaigns (%1$s) select %1$s'
    ' from pg_catalog.jsonb_populate_record(null::drip.campaigns, $1) returning id',
    drip._column_list(v_values))
  into v_id
  using v_values;
  return v_id;
end
$$;
comment on function drip._insert_campaign(bigint, jsonb) is
  'Writes a draft from a definition; returns its id.';

create function drip._campaign_definition(p_campaign_id bigint) returns jsonb
language sql stable
as $$
  select
    (select jsonb_object_agg(v.key, v.value)
     from jsonb_each(to_jsonb(c)) as v (key, value)
     join jsonb_each_text(drip._campaign_keys()) as k (key, kind) on k.key = v.key
     where k.kind <> 'read')
    || jsonb_build_object(
      'devices', (
        select jsonb_agg(d.name order by d.id)
        from drip.user_devices d
        where d.id = any (c.devices)))
  from drip.campaigns c
  where c.id = p_campaign_id
$$;
comment on function drip._campaign_definition(bigint) is
  'What a definition of this campaign would say, every settable key included.';
