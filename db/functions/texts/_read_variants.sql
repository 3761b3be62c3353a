-- The variants of a definition in stored form: weights spelled out, names trimmed.
create function drip._read_variants(p_value jsonb, p_path text) returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  c_keys constant text[] := array['name', 'weight', 'message', 'caption', 'media_url', 'template'];
  v_path text;
  v_key text;
  v_value jsonb;
  v_variant jsonb;
  v_name text;
  v_names text[] := '{}';
  v_total numeric := 0;
  v_result jsonb := '[]';
begin
  if jsonb_typeof(p_value) <> 'array' or jsonb_array_length(p_value) not between 1 and 26 then
    perform drip._fail(
      'DR004', format('%s is not a list of 1 to 26 variants', p_path),
      'Write [{"name": "A", "weight": 1, "message": "Hi"}]; null = none.');
  end if;
  for v_variant, v_path in
    select e.value, format('%s[%s]', p_path, e.place)
    from jsonb_array_elements(p_value) with ordinality as e (value, place)
  loop
    perform drip._check_object(v_variant, v_path);
    for v_key, v_value in select d.key, d.value from jsonb_each(v_variant) d loop
      if v_key <> all (c_keys) then
        perform drip._fail(
          'DR003', format('unknown key %s', quote_literal(v_path || '.' || v_key)),
          format('The nearest known one is %s.', quote_literal(drip._nearest(v_key, c_keys))));
      elsif v_key = 'weight' then
        if jsonb_typeof(v_value) <> 'number' or (v_value #>> '{}')::numeric not between 0 and 1000
          or (v_value #>> '{}')::numeric <> trunc((v_value #>> '{}')::numeric)
        then
          perform drip._fail(
            'DR004', format('%s.weight is not a whole number from 0 to 1000: %s', v_path,
                            left(v_value::text, 60)),
            '3 is drawn three times as often as 1, and 0 not at all.');
        end if;
      elsif jsonb_typeof(v_value)
        <> all (array['null', case v_key when 'template' then 'object' else 'string' end])
      then
        perform drip._fail(
          'DR004', format('%s.%s is not %s: %s', v_path, v_key,
                          case v_key when 'template' then 'an object' else 'text' end,
                          left(v_value::text, 60)),
          'A key that a variant leaves out has the campaign''s value.');
      end if;
    end loop;
    v_name := btrim(v_variant ->> 'name');
    if coalesce(v_name, '') = '' or length(v_name) > 60 or v_name = any (v_names) then
      perform drip._fail(
        'DR004',
        format('%s.name is %s', v_path,
               case when v_name = any (v_names) then 'given twice: ' || quote_literal(v_name)
                 else 'empty or longer than 60 characters' end),
        'Give each variant its own name, such as "A"; reports show it.');
    end if;
    v_names := v_names || v_name;
    v_variant := jsonb_strip_nulls(v_variant) || jsonb_build_object(
      'name', v_name,
      'weight', trunc(coalesce((v_variant ->> 'weight')::numeric, 1)));
    v_total := v_total + (v_variant ->> 'weight')::numeric;
    v_result := v_result || jsonb_build_array(v_variant);
  end loop;
  if v_total = 0 then
    perform drip._fail(
      'DR004', format('%s: all weights are 0', p_path), 'Give at least one a weight above 0.');
  end if;
  return v_result;
end
$$;
comment on function drip._read_variants(jsonb, text) is
  'The variants of a definition in the form of their column; DR003 or DR004 name the path.';
