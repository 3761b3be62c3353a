-- How much of everything is taken: one place, read by every check and told in docs/limits.md. What
-- a contact can be sent is far below these; they keep a call, a claim and a view within
-- milliseconds, whatever somebody hands in.
create function drip._limit(p_name text) returns integer
language sql immutable parallel safe
begin atomic
  select case p_name
    -- characters
    when 'text' then 65536
    when 'caption' then 4096
    when 'url' then 2048
    when 'name' then 200
    when 'key' then 200
    when 'reason' then 1000
    when 'tokens' then 4000
    -- characters of a JSON value, written out
    when 'template' then 65536
    when 'attributes' then 65536
    when 'settings' then 65536
    when 'definition' then 4194304
    -- one within the other
    when 'depth' then 32
    -- how many
    when 'placeholders' then 200
    when 'steps' then 500
    when 'rows' then 100000
    -- each beyond it is compared with each that was done
    when 'messages' then 10000
    when 'definitions' then 10000
    when 'platforms' then 100
    -- years that a plan may reach ahead
    when 'years_ahead' then 20
  end;
end;
comment on function drip._limit(text) is
  'The most that is taken of something: characters, rows or levels; docs/limits.md lists them.';

create function drip._check_length(p_value text, p_limit text, p_argument text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if length(p_value) > drip._limit(p_limit) then
    perform drip._fail(
      'DR021',
      format('%s has more than %s characters', p_argument, drip._limit(p_limit)),
      case p_limit
        when 'name' then 'Give a short one: it stands in lists and in texts.'
        else 'Make it shorter; docs/limits.md has the bounds.'
      end);
  end if;
end
$$;
comment on function drip._check_length(text, text, text) is
  'DR021 when the text is longer than its limit; null passes.';

create function drip._check_count(p_count bigint, p_limit text, p_what text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_count > drip._limit(p_limit) then
    perform drip._fail(
      'DR021', format('%s are more than %s', p_what, drip._limit(p_limit)),
      'Hand them over in several calls, or make fewer; docs/limits.md has the bounds.');
  end if;
end
$$;
comment on function drip._check_count(bigint, text, text) is
  'DR021 when there are more of something than its limit; null passes.';

create function drip._check_json(p_value jsonb, p_limit text, p_argument text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text constant text := p_value::text;
begin
  if length(v_text) > drip._limit(p_limit) then
    perform drip._fail(
      'DR021',
      format('%s has more than %s characters as JSON', p_argument, drip._limit(p_limit)),
      'Make it shorter, or hand it over in parts; docs/limits.md has the bounds.');
  end if;
  if drip._is_too_deep(v_text) then
    perform drip._fail(
      'DR021',
      format('%s is nested deeper than %s levels', p_argument, drip._limit('depth')),
      'Write it flatter.');
  end if;
end
$$;
comment on function drip._check_json(jsonb, text, text) is
  'DR021 when the JSON value is longer than its limit or nested too deep; null passes.';

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
