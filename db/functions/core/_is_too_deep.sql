-- Functions that walk a JSON value call themselves once a level, and the stack is finite. The depth
-- is counted without walking: what stands in quotes is cut out, then every pair of brackets that
-- holds nothing more, a level at a time.
create function drip._is_too_deep(p_json text) returns boolean
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  c_depth constant integer := drip._limit('depth');
  v_text text;
begin
  -- most are so small that the brackets alone, also those in quotes, show it
  if length(p_json) - length(translate(p_json, '[{', '')) <= c_depth then
    return false;
  end if;
  -- a third of the time of a pattern: every second piece between quotes stands outside of them
  select string_agg(translate(t.piece, '{} ,:.+-0123456789truefalsnE', '[]'), '' order by t.place)
  into v_text
  from string_to_table(replace(replace(p_json, e'\\\\', ''), e'\\"', ''), '"')
    with ordinality as t (piece, place)
  where t.place % 2 = 1 and t.piece ~ '[][{}]';
  for v_level in 1 .. c_depth loop
    exit when v_text = '';
    v_text := replace(v_text, '[]', '');
  end loop;
  return coalesce(v_text, '') <> '';
end
$$;
comment on function drip._is_too_deep(text) is
  'True when a JSON text is nested deeper than the limit; null for null.';
