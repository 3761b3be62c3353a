-- Every text in a part of a template, such as its components, is rendered like a message's own;
-- keys, numbers and everything else stay as they are.
create function drip._render_template(
  p_part jsonb, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb,
  p_seed bigint)
returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_result jsonb;
begin
  perform drip._check_json(p_part, 'template', 'the template');
  v_result := drip._render_part(
    p_part, p_name, p_phone, p_lead_attributes, p_enrollment_attributes, p_seed);
  perform drip._check_json(v_result, 'template', 'the template, filled in,');
  return v_result;
end
$$;
comment on function drip._render_template(jsonb, text, text, jsonb, jsonb, bigint) is
  'A part of a template, its texts rendered as by _render; DR021 where that is too long.';

create function drip._render_part(
  p_part jsonb, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb,
  p_seed bigint)
returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_part) = 'string' then
    return to_jsonb(drip._render(
      p_part #>> '{}', p_name, p_phone, p_lead_attributes, p_enrollment_attributes, p_seed));
  elsif jsonb_typeof(p_part) = 'array' then
    return coalesce(
      (select jsonb_agg(
         drip._render_part(
           e.value, p_name, p_phone, p_lead_attributes, p_enrollment_attributes, p_seed)
         order by e.place)
       from jsonb_array_elements(p_part) with ordinality as e (value, place)),
      '[]');
  elsif jsonb_typeof(p_part) = 'object' then
    return coalesce(
      (select jsonb_object_agg(
         e.key,
         case
           when e.key = 'text' and jsonb_typeof(e.value) = 'string'
             then to_jsonb(drip._one_line(drip._render(
               e.value #>> '{}', p_name, p_phone, p_lead_attributes, p_enrollment_attributes,
               p_seed)))
           else drip._render_part(
             e.value, p_name, p_phone, p_lead_attributes, p_enrollment_attributes, p_seed)
         end)
       from jsonb_each(p_part) e),
      '{}');
  end if;
  return p_part;
end
$$;
comment on function drip._render_part(jsonb, text, text, jsonb, jsonb, bigint) is
  'A part of a template, and the parts inside it, with their texts rendered.';
