-- Placeholders first, variants second; links and line breaks stay as they are. A [[…]] without a
-- bar that holds only numbers, or reads like a list, is text, as in JSON. Brackets and bars inside
-- a filled-in value are hidden meanwhile, so that a name cannot open a variant. Each character is
-- read only a few times, whatever the text: a piece that ends in } has at most one placeholder, its
-- first known one, and a piece that ends in ]] at most one variant.
create function drip._render(
  p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb,
  p_seed bigint)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant integer := drip._limit('text');
  v_signs constant text := '[|]{}';
  v_marks constant text := chr(1) || chr(2) || chr(3) || chr(4) || chr(5);
  v_rest text := p_text;
  v_name text;
  v_pieces text[];
  v_piece text;
  v_out text[] := '{}';
  v_last integer;
  v_length bigint;
  v_place integer := 0;
  v_token text;
  v_path text;
  v_value text;
  v_start integer;
  v_options text[];
  v_number integer := 0;
begin
  if length(p_text) > c_most then
    perform drip._fail_long();
  end if;
  if p_text is null or (position('{' in p_text) = 0 and position('[[' in p_text) = 0) then
    return p_text;
  end if;
  -- replace() for the two usual placeholders: a third of the time of the pieces below
  if position('{name}' in v_rest) > 0 then
    v_name := translate(coalesce(btrim(p_name), ''), v_signs, v_marks);
    v_length := length(v_rest)
      + (length(v_rest) - length(replace(v_rest, '{name}', '')))::bigint / 6 * length(v_name);
    if v_length > 2 * c_most then
      perform drip._fail_long();
    end if;
    v_rest := replace(v_rest, '{name}', v_name);
  end if;
  if position('{phone}' in v_rest) > 0 then
    v_rest := replace(v_rest, '{phone}', p_phone);
  end if;
  if position('{' in v_rest) > 0 then
    v_pieces := string_to_array(v_rest, '}');
    v_last := cardinality(v_pieces);
    v_length := length(v_rest);
    foreach v_piece in array v_pieces loop
      v_place := v_place + 1;
      v_start := case
        when v_place = v_last or position('{' in v_piece) = 0 then 0
        else regexp_instr(v_piece, e'\\{(?:name|phone|attributes\\.[[:alnum:]_]+)(?:\\||$)')
      end;
      if v_start = 0 then
        v_out[v_place] := case when v_place = v_last then v_piece else v_piece || '}' end;
        continue;
      end if;
      v_token := substr(v_piece, v_start + 1);
      v_path := split_part(v_token, '|', 1);
      v_value := case v_path
        when 'name' then p_name
        when 'phone' then p_phone
        else coalesce(
          nullif(btrim(p_lead_attributes ->> substr(v_path, 12)), ''),
          p_enrollment_attributes ->> substr(v_path, 12))
      end;
      v_value := coalesce(nullif(btrim(v_value), ''), substr(v_token, length(v_path) + 2));
      v_length := v_length + length(v_value);
      if v_length > 2 * c_most then
        perform drip._fail_long();
      end if;
      v_out[v_place] := left(v_piece, v_start - 1) || translate(v_value, v_signs, v_marks);
    end loop;
    v_rest := array_to_string(v_out, '');
  end if;
  if position('[[' in v_rest) > 0 then
    v_pieces := string_to_array(v_rest, ']]');
    v_last := cardinality(v_pieces);
    v_out := '{}';
    v_place := 0;
    foreach v_piece in array v_pieces loop
      v_place := v_place + 1;
      -- the last [[ before it: what opens further ahead is a list of lists
      v_start := case
        when v_place < v_last and position('[[' in v_piece) > 0
          then length(v_piece) - position('[[' in reverse(v_piece))
        else 0
      end;
      v_options := string_to_array(substr(v_piece, v_start + 2), '|');
      if v_start = 0
        or (cardinality(v_options) < 2
            and substr(v_piece, v_start + 2) ~ e'^\\s*[["{]|,\\s*\\[|^[-0-9.,\\s]*$')
      then
        v_out[v_place] := case when v_place = v_last then v_piece else v_piece || ']]' end;
        continue;
      end if;
      v_number := v_number + 1;
      v_out[v_place] := left(v_piece, v_start - 1) || coalesce(
        v_options[
          1 + floor(
            drip._seeded_fraction(p_seed, 100 + v_number) * cardinality(v_options))::integer],
        '');
    end loop;
    v_rest := array_to_string(v_out, '');
  end if;
  if length(v_rest) > c_most then
    perform drip._fail_long();
  end if;
  return translate(v_rest, v_marks, v_signs);
end
$$;
comment on function drip._render(text, text, text, jsonb, jsonb, bigint) is
  'The text with {name}, {phone}, {attributes.x|fallback} filled and [[a|b]] chosen by the seed.';

-- Stable, so that planning a statement does not run it.
create function drip._fail_long() returns void
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._fail(
    'DR021',
    format('the text, filled in, has more than %s characters', drip._limit('text')),
    'Shorten the text, or the name or attributes that fill it.');
end
$$;
comment on function drip._fail_long() is
  'DR021 for a text that exceeds the limit once its placeholders are filled.';
