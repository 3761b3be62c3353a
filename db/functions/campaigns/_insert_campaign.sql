-- create_campaign and apply_definitions insert drafts the same way.
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
  -- the trigger checks each variant when the row is written
  if coalesce(jsonb_typeof(v_values -> 'variants'), 'null') = 'null' then
    perform drip._check_message(
      coalesce(v_values ->> 'message_type', 'text'), v_values ->> 'message',
      v_values ->> 'caption', v_values ->> 'media_url', nullif(v_values -> 'template', 'null'), '',
      'message');
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
  'Inserts a draft from a definition; returns its id.';
