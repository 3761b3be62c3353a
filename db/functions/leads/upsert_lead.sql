-- Creates or patches one lead by its phone; null keeps a field.
create function drip.upsert_lead(
  p_phone text,
  p_name text default null,
  p_niche text default null,
  p_target_status text default null,
  p_trigger text default null,
  p_device text default null,
  p_time_zone text default null,
  p_language text default null,
  p_external_id text default null,
  p_attributes jsonb default null)
returns table (lead_id bigint, phone text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_lead record;
  v_rule text;
  v_detail text;
begin
  perform drip._require_role('drip_app');
  perform drip._check_json(p_attributes, 'attributes', 'p_attributes');
  select r.*
  into v_lead
  from drip._read_leads(v_user, jsonb_build_array(jsonb_build_object(
    'phone', p_phone, 'name', p_name, 'niche', p_niche, 'target_status', p_target_status,
    'trigger', p_trigger, 'device', p_device, 'time_zone', p_time_zone, 'language', p_language,
    'external_id', p_external_id, 'attributes', p_attributes))) r;
  if v_lead.code is not null then
    perform drip._fail(v_lead.code, v_lead.problem, v_lead.hint);
  end if;
  return query
    select w.lead_id, w.phone, w.outcome
    from drip._write_leads(
      v_user, array[v_lead.phone],
      array[v_lead.patch || jsonb_build_object(
        'tokens', v_lead.trigger, 'clear_trigger', v_lead.trigger = '',
        'attributes', coalesce(v_lead.attributes, '{}'))]) w;
exception
  when unique_violation or foreign_key_violation then
    get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
    perform drip._constraint_error(v_rule, v_detail);
end
$$;
comment on function drip.upsert_lead(
  text, text, text, text, text, text, text, text, text, jsonb) is
  'Creates the lead of a phone or patches it: null keeps a field, an empty text clears it, trigger
   tokens are added to those not consumed yet, attributes are merged by key. Outcome: created,
   updated, unchanged.';
grant execute on function drip.upsert_lead(
  text, text, text, text, text, text, text, text, text, jsonb) to drip_app;
