-- People write definitions: every key must be known, every value have its column's type, and an
-- error names the path. The result fits jsonb_populate_record on the table's row type.
-- p_kinds: column name → kind, see _definition_value; a kind that ends in ! excludes null, and
-- "read" marks keys that only a get function shows (refused in changes, else ignored).
create function drip._read_definition(
  p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_value jsonb;
  v_kind text;
  v_result jsonb := '{}';
begin
  perform drip._check_object(
    p_definition, coalesce(nullif(rtrim(p_path, '.'), ''), 'the definition'));
  for v_key, v_value in select d.key, d.value from jsonb_each(p_definition) d loop
    v_kind := p_kinds ->> v_key;
    if v_kind is null then
      perform drip._fail(
        'DR003', format('unknown key %s', quote_literal(p_path || v_key)),
        format(
          'The nearest known one is %s.',
          quote_literal(drip._nearest(
            v_key,
            -- steps have their own list, which the caller has removed
            array(select k.key from jsonb_each_text(p_kinds) k
                  where k.value <> 'read')
              || case when p_kinds ? 'auto_enroll' then array['steps'] end))));
    end if;
    if v_kind = 'read' then
      if p_is_change then
        perform drip._fail(
          'DR004',
          format('%s is not changed this way', quote_literal(p_path || v_key)),
          'Other functions set it; see docs/sql-api.md.');
      end if;
      continue;
    end if;
    if jsonb_typeof(v_value) = 'null' then
      if v_kind like '%!' then
        perform drip._fail(
          'DR004', format('%s must not be null', p_path || v_key),
          'Leave the key out to get the default.');
      end if;
    else
      v_value := drip._definition_value(
        rtrim(v_kind, '!'), v_value, p_path || v_key, p_user);
    end if;
    v_result := v_result || jsonb_build_object(v_key, v_value);
  end loop;
  return v_result;
end
$$;
comment on function drip._read_definition(jsonb, jsonb, text, bigint, boolean) is
  'The checked definition, values in the form of their columns; DR003 and DR004 name the path.';

-- One value of a definition. Casts raise many errors; all become DR004 with the path.
create function drip._definition_value(
  p_kind text, p_value jsonb, p_path text, p_user bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type constant text := jsonb_typeof(p_value);
  v_text constant text := p_value #>> '{}';
  -- browsers send numbers of forms as text
  v_number constant text := case
    when v_type = 'number' then v_text
    when v_type = 'string' and v_text ~ e'^\\s*[-+]?[0-9]{1,15}(\\.[0-9]{1,15})?\\s*$'
      then btrim(v_text)
  end;
  v_expected text;
  v_days smallint[];
begin
  begin
    case split_part(p_kind, ':', 1)
      when 'text' then
        v_expected := 'text';
        if v_type = 'string' then
          perform drip._check_length(v_text, 'text', p_path);
          return p_value;
        end if;
      when 'name' then
        v_expected := 'a name: a text of 1 to 200 characters that is not all digits';
        if v_type = 'string' and btrim(v_text) <> '' and btrim(v_text) !~ e'^\\d+$'
          and length(btrim(v_text)) <= 200
        then
          return to_jsonb(btrim(v_text));
        end if;
      when 'token' then
        v_expected := 'one token of at most 200 characters, without a comma';
        if v_type = 'string' and v_text !~ ',' and length(btrim(v_text)) <= 200 then
          return coalesce(to_jsonb(nullif(btrim(v_text), '')), 'null');
        end if;
      when 'url' then
        v_expected := 'an http(s) address';
        if v_type = 'string' then
          perform drip._check_length(v_text, 'url', p_path);
          return coalesce(to_jsonb(nullif(btrim(v_text), '')), 'null');
        end if;
      when 'boolean' then
        v_expected := 'true or false';
        if v_type = 'boolean' then
          return p_value;
        end if;
      when 'integer' then
        v_expected := 'a whole number';
        if v_number::numeric = trunc(v_number::numeric) then
          return to_jsonb(v_number::numeric::integer);
        end if;
      when 'class' then
        v_expected := '1, 2 or 3';
        if v_number::numeric in (1, 2, 3) then
          return to_jsonb(v_number::numeric::smallint);
        end if;
      when 'number' then
        v_expected := 'a number';
        if v_number is not null then
          return to_jsonb(v_number::numeric);
        end if;
      when 'interval' then
        -- adding a longer one would overflow the calendar in a sweep, which serves every tenant
        v_expected := 'an interval such as ''5 minutes'', at most 100 years';
        if v_type = 'string'
          and v_text::interval between interval '-100 years' and interval '100 years'
        then
          return to_jsonb(v_text::interval);
        end if;
      when 'time' then
        v_expected := 'a local time such as ''09:30''';
        if v_type = 'string'
          and v_text ~* e'^\\s*\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d+)?)?\\s*([ap]m)?\\s*$' then
          return to_jsonb(v_text::time);
        end if;
      when 'days' then
        v_expected := 'a list of days: 1 (Monday) to 7, or mon, tue, …';
        if v_type = 'array' and jsonb_array_length(p_value) > 0 then
          v_days := drip._read_days(p_value);
          if 1 <= all (v_days) and 7 >= all (v_days) then
            return to_jsonb(v_days);
          end if;
        end if;
      when 'object' then
        v_expected := 'an object';
        if v_type = 'object' then
          return p_value;
        end if;
      when 'variants' then
        return drip._read_variants(p_value, p_path);
      when 'choice' then
        v_expected := 'one of ' || replace(split_part(p_kind, ':', 2), '|', ', ');
        if v_type = 'string'
          and v_text = any (string_to_array(split_part(p_kind, ':', 2), '|'))
        then
          return p_value;
        end if;
      when 'target' then
        if v_type = 'string' and lower(btrim(v_text)) in ('prospect', 'customer', 'all') then
          return to_jsonb(lower(btrim(v_text)));
        end if;
        perform drip._fail(
          'DR015', format('%s is not a target status: %s', p_path, left(p_value::text, 60)),
          'Use prospect, customer or all.');
      when 'instant' then
        -- In the tenant's zone unless the text names one.
        v_expected := 'a time such as ''2026-03-02 09:00''';
        if v_type = 'string' and v_text ~ e'^\\s*\\d{4}-\\d{2}-\\d{2}([ T]|$)' then
          return to_jsonb(drip._read_instant(v_text, p_user));
        end if;
      when 'device' then
        v_expected := 'the name or the id of a device';
        if v_type in ('string', 'number') then
          return to_jsonb((drip._find_device(v_text, p_user)).id);
        end if;
      when 'devices' then
        v_expected := 'a list of names or ids of devices; null means all';
        if v_type = 'array' and jsonb_array_length(p_value) > 0 then
          return (
            select jsonb_agg(distinct (drip._find_device(e.value, p_user)).id)
            from jsonb_array_elements_text(p_value) as e (value));
        end if;
      when 'guard' then
        v_expected := 'the name of a registered guard';
        if v_type = 'string' then
          perform drip._check_registered(
            'guard', v_text, p_path,
            array(
              select g.name from drip.guards g where coalesce(g.user_id, p_user) = p_user));
          return p_value;
        end if;
      when 'audience' then
        v_expected := 'the name of a registered audience';
        if v_type = 'string' then
          perform drip._check_registered(
            'audience', v_text, p_path,
            array(
              select a.name
              from drip.audiences a
              where a.unregistered_at is null and coalesce(a.user_id, p_user) = p_user));
          return p_value;
        end if;
    end case;
  exception
    when data_exception then
      null;
  end;
  perform drip._fail(
    'DR004', format('%s is not %s: %s', p_path, v_expected, left(p_value::text, 60)),
    'See the comment of the column.');
end
$$;
comment on function drip._definition_value(text, jsonb, text, bigint) is
  'One value of a definition in the form of its column; DR004, DR012 or DR015 name the path.';

-- An unknown day becomes 0, which the caller refuses like numbers out of range.
create function drip._read_days(p_value jsonb) returns smallint[]
language sql stable
as $$
  select array_agg(distinct q.day order by q.day)
  from (
    select case jsonb_typeof(e.value)
      when 'number' then (e.value #>> '{}')::numeric::integer
      when 'string' then coalesce(
        array_position(
          array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
          left(lower(btrim(e.value #>> '{}')), 3)),
        0)
      else 0
    end::smallint as day
    from jsonb_array_elements(p_value) e
  ) q
$$;
comment on function drip._read_days(jsonb) is
  'Days of the week, given as numbers or names, as numbers from 1 (Monday); 0 for unknown days.';

create function drip._check_registered(
  p_what text, p_name text, p_path text, p_known text[])
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_name <> all (p_known) then
    perform drip._fail(
      'DR012', format('%s: there is no %s %s', p_path, p_what, quote_literal(p_name)),
      coalesce(
        'The nearest one is ' || quote_literal(drip._nearest(p_name, p_known)) || '.',
        format('None is registered; an operator does it with register_%s.', p_what)));
  end if;
end
$$;
comment on function drip._check_registered(text, text, text, text[]) is
  'DR012, with the path and the nearest name, where the name is not registered.';

-- timestamptz input without an offset is read in the session's zone, so that is set meanwhile.
create function drip._read_instant(p_text text, p_user bigint) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set time zone 'UTC'
as $$
declare
  v_instant timestamptz;
begin
  perform set_config(
    'timezone', (select u.time_zone from drip.users u where u.id = p_user), true);
  v_instant := p_text::timestamptz;
  return v_instant;
end
$$;
comment on function drip._read_instant(text, bigint) is
  'The instant of a written time; without an offset it is local time in the tenant''s zone.';
