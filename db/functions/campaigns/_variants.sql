-- One of several texts of a campaign, drawn from the message's id: the same at every look, and once
-- a claim has recorded it, the same at the next attempt. Its own function, and asked only of
-- campaigns that have variants, so that others pay nothing for it.
create function drip._pick_variant(p_variants jsonb, p_message_id bigint, p_before text)
returns jsonb
language sql immutable parallel safe
begin atomic
  select v.value
  from (
    select
      e.value,
      e.place,
      e.value ->> 'name' = p_before as was_before,
      sum((e.value ->> 'weight')::numeric) over (order by e.place) as up_to,
      sum((e.value ->> 'weight')::numeric) over () as total
    from jsonb_array_elements(p_variants) with ordinality as e (value, place)
  ) v
  where coalesce(v.was_before, false)
    or v.up_to > drip._seeded_fraction(p_message_id, 90)::numeric * v.total
  order by v.was_before desc nulls last, v.place asc
  limit 1;
end;
comment on function drip._pick_variant(jsonb, bigint, text) is
  'The variant of a message: the one it had before, if there still is one of that name, else one
   drawn by weight.';

-- A definition's variants as they are stored: weights written out, names trimmed.
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
                          case v_key when 'template' then 'an object' else 'a text' end,
                          left(v_value::text, 60)),
          'What a variant leaves out is the campaign''s own.');
      end if;
    end loop;
    v_name := btrim(v_variant ->> 'name');
    if coalesce(v_name, '') = '' or length(v_name) > 60 or v_name = any (v_names) then
      perform drip._fail(
        'DR004',
        format('%s.name is %s', v_path,
               case when v_name = any (v_names) then 'there twice: ' || quote_literal(v_name)
                 else 'empty or longer than 60 characters' end),
        'Each variant has a name of its own, such as "A"; reports show it.');
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

-- What each message of a campaign may say: of every variant, or of the campaign itself.
create function drip._campaign_texts(p_campaign drip.campaigns)
returns table (
  variant text, weight numeric, path text, message text, caption text, media_url text,
  template jsonb)
language sql stable
as $$
  select
    e.value ->> 'name',
    (e.value ->> 'weight')::numeric,
    format('variants[%s].', e.place),
    coalesce(e.value ->> 'message', p_campaign.message),
    coalesce(e.value ->> 'caption', p_campaign.caption),
    coalesce(e.value ->> 'media_url', p_campaign.media_url),
    coalesce(e.value -> 'template', p_campaign.template)
  from jsonb_array_elements(p_campaign.variants) with ordinality as e (value, place)
  union all
  select
    null, null, '', p_campaign.message, p_campaign.caption, p_campaign.media_url,
    p_campaign.template
  where p_campaign.variants is null
$$;
comment on function drip._campaign_texts(drip.campaigns) is
  'The texts of a campaign before rendering, one row per variant.';
