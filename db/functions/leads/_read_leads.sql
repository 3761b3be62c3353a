-- Validates leads as callers pass them, row by row in one statement; bad data raises no error. In
-- the patch a JSON null clears a field; a missing field stays as it is. p_keep names the attribute
-- that keeps a value which we do not know, by field; such a row is valid.
create function drip._read_leads(p_user bigint, p_leads jsonb, p_keep jsonb default '{}')
returns table (
  "row" integer, phone text, patch jsonb, trigger text, attributes jsonb,
  code text, problem text, hint text, kept text[])
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_region text := (select u.default_region from drip.users u where u.id = p_user);
  v_known constant text[] := array[
    'phone', 'country', 'name', 'niche', 'target_status', 'trigger', 'device', 'time_zone',
    'language', 'external_id', 'attributes'];
begin
  return query
    with fields as materialized (
      select g.* from drip._lead_fields(p_leads, v_known) g
    ),
    devices as materialized (
      select w.device, d.id
      from (select distinct f.device from fields f where f.device <> '') w
      join drip.user_devices d
        on d.user_id = p_user
          and case
            when w.device ~ e'^\\d+$' then d.id::text = w.device
            else d.name = w.device
          end
    ),
    zones as materialized (
      select w.time_zone, drip._is_time_zone(w.time_zone) as is_known
      from (select distinct f.time_zone from fields f where f.time_zone <> '') w
    ),
    -- a name takes 60 µs to find, a code 5
    countries as materialized (
      select w.country, coalesce(drip._find_region(w.country), w.country) as region
      from (select distinct f.country from fields f where f.country <> '') w
    ),
    -- a suggestion takes 3 ms per word, so only the first few words of a batch get one
    meant as materialized (
      select w.word, drip._nearest(w.word, v_known) as nearest
      from (
        select f.unknown_key as word
        from fields f
        where f.unknown_key is not null
        group by f.unknown_key
        order by min(f.row)
        limit 20
      ) w
    ),
    judged as (
      select
        f.*,
        coalesce(
          k.phone,
          first_value(r.phone) over (partition by drip._phone_key(r.phone) order by f.row))
          as e164,
        d.id as device_id,
        u.fields as unknown,
        case
          when not f.is_object then array['DR001', 'the lead is not a JSON object',
            'Write {"phone": "+60123456789", "name": "Ali"}.']
          when f.unknown_key is not null then array['DR003',
            pg_catalog.format('a lead has no field %s',
              pg_catalog.quote_literal(left(f.unknown_key, 60)))
              || coalesce('; the nearest is ' || n.nearest, ''),
            'Put other values into attributes.']
          when f.odd_key is not null then array['DR004',
            pg_catalog.format('%s is not text', f.odd_key),
            'Write it in quotes; separate several values by commas: "cold,warm".']
          when coalesce(p.problem, q.problem) is not null then array[
            'DR002', coalesce(p.problem, q.problem),
            'Write it with + and the country code, such as +60123456789.']
          when not p_keep ?& u.fields then drip._unknown_value(
            p_user,
            (select w.field from unnest(u.fields) as w (field) where not p_keep ? w.field limit 1),
            f.target_status, f.device, f.time_zone, f.language)
          else drip._lead_limits(f.external_id, f.name, f.niche, f.trigger, f.attributes)
        end as wrong
      from fields f
      left join countries c on c.country = f.country
      left join lateral drip._read_phone(f.phone, v_region, c.region) as p
        on f.is_object and f.phones is null
      left join lateral drip._pick_phone(f.phones, v_region, c.region) as q
        on f.phones is not null
      cross join lateral (select coalesce(p.phone, q.phone) as phone) r
      -- the lead that has the number in this spelling, or in another
      left join lateral drip._lead_of_phone(p_user, r.phone) k on true
      left join devices d on d.device = f.device
      left join meant n on n.word = f.unknown_key
      left join zones z on z.time_zone = f.time_zone
      -- fields whose values are not ours
      cross join lateral (
        select array_remove(
          array[
            case when lower(f.target_status) not in ('', 'prospect', 'customer')
              then 'target_status' end,
            case when f.device <> '' and d.id is null then 'device' end,
            case when not z.is_known then 'time_zone' end,
            case when f.language !~ '^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$'
              then 'language' end],
          null) as fields
      ) u
    ),
    -- An external_id belongs to one lead: its current one, else the first of the batch.
    owned as (
      select
        j.*,
        case
          when j.wrong is null and j.external_id <> '' then coalesce(
            (select l.phone
             from drip.leads l
             where l.user_id = p_user and l.external_id = j.external_id),
            first_value(j.e164) over (
              partition by j.wrong is null, j.external_id order by j.row))
        end as owner
      from judged j
    ),
    settled as (
      select
        o.*,
        case
          when o.owner <> o.e164 then array['DR013',
            pg_catalog.format('external_id %s belongs to another lead',
              pg_catalog.quote_literal(o.external_id)),
            'An external_id belongs to one lead; change_phone changes that lead''s phone.']
          else o.wrong
        end as verdict
      from owned o
    )
    select
      s.row,
      s.e164,
      c.patch,
      s.trigger,
      case
        when s.unknown <> '{}' then coalesce(s.attributes, '{}') || drip._kept_values(
          p_keep, s.unknown, s.target_status, s.device, s.time_zone, s.language)
        when jsonb_typeof(s.attributes) = 'object' then s.attributes
      end,
      s.verdict[1],
      s.verdict[2],
      s.verdict[3],
      case when s.verdict is null then nullif(s.unknown, '{}') end
    from settled s
    cross join lateral drip._lead_patch(
      s.name, s.niche,
      case when 'target_status' <> all (s.unknown) then lower(s.target_status) end,
      case when 'device' <> all (s.unknown) then s.device end,
      s.device_id,
      case when 'time_zone' <> all (s.unknown) then s.time_zone end,
      case when 'language' <> all (s.unknown) then s.language end,
      s.external_id) c
    order by s.row;
end
$$;
comment on function drip._read_leads(bigint, jsonb, jsonb) is
  'Leads [{phone, name, …}] as phone and patch, or as code, problem and hint; one row per element.
   kept: fields whose values are unknown and became the attributes that p_keep names.';

-- A list of phones is those of one person: the first mobile counts, else the first that is valid.
create function drip._pick_phone(
  p_phones text[], p_region text, p_country text, out phone text, out problem text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_read record;
begin
  for v_read in
    select r.phone, r.problem
    from unnest(p_phones[1:20]) with ordinality as i (phone, position)
    cross join lateral drip._read_phone(i.phone, p_region, p_country) as r
    where i.phone <> ''
    order by i.position
  loop
    if drip._phone_kind(v_read.phone) = 'mobile' then
      phone := v_read.phone;
      exit;
    end if;
    phone := coalesce(phone, v_read.phone);
    problem := coalesce(problem, v_read.problem);
  end loop;
  problem := case when phone is null then coalesce(problem, 'the phone is empty') end;
end
$$;
comment on function drip._pick_phone(text[], text, text) is
  'The phone of a person who has several, as E.164; or the sentence why none is valid.';

create function drip._unknown_value(
  p_user bigint, p_field text, p_status text, p_device text, p_time_zone text, p_language text)
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_names text[];
  v_nearest text;
begin
  case p_field
    when 'target_status' then
      return array['DR015',
        pg_catalog.format(
          '%s is not a target status', pg_catalog.quote_literal(left(p_status, 60))),
        'Use prospect or customer.'];
    when 'time_zone' then
      return array['DR001',
        pg_catalog.format('%s is not a time zone', pg_catalog.quote_literal(left(p_time_zone, 60))),
        'Use an IANA name, such as Asia/Kuala_Lumpur.'];
    when 'language' then
      return array['DR001',
        pg_catalog.format('%s is not a language', pg_catalog.quote_literal(left(p_language, 60))),
        'Use a code, such as en, ms or zh-CN.'];
    else
      v_names := array(
        select n.name from drip.user_devices n where n.user_id = p_user order by n.id limit 50);
      v_nearest := drip._nearest(p_device, v_names);
      return array['DR012',
        pg_catalog.format('there is no device %s', pg_catalog.quote_literal(left(p_device, 60))),
        case
          when v_nearest is not null
            then 'The nearest name is ' || pg_catalog.quote_literal(v_nearest) || '.'
          when v_names <> '{}' then 'device_overview lists the existing ones.'
          else 'There are no devices yet; an operator creates one with upsert_device.'
        end];
  end case;
end
$$;
comment on function drip._unknown_value(bigint, text, text, text, text, text) is
  'Code, problem and hint of a field whose value is not one of ours.';

create function drip._kept_values(
  p_keep jsonb, p_fields text[], p_status text, p_device text, p_time_zone text, p_language text)
returns jsonb
language sql immutable parallel safe
as $$
  select coalesce(jsonb_object_agg(p_keep ->> v.field, v.value), '{}')
  from (
    values
      ('target_status', p_status), ('device', p_device), ('time_zone', p_time_zone),
      ('language', p_language)
  ) v (field, value)
  where v.field = any (p_fields) and p_keep ? v.field
$$;
comment on function drip._kept_values(jsonb, text[], text, text, text, text) is
  'The attributes that keep the unknown values of fields, by the names in p_keep.';

create function drip._lead_fields(p_leads jsonb, p_known text[])
returns table (
  "row" integer, is_object boolean, unknown_key text, odd_key text, phone text, phones text[],
  country text, name text, niche text, target_status text, trigger text, device text,
  time_zone text, language text,
  external_id text, attributes jsonb)
language sql stable
as $$
  select
    g.row,
    g.is_object,
    f.unknown_key,
    f.odd_key,
    g.value ->> 'phone',
    case when jsonb_typeof(g.value -> 'phone') = 'array'
      then array(select e.phone from jsonb_array_elements_text(g.value -> 'phone') as e (phone))
    end,
    btrim(g.value ->> 'country'),
    btrim(g.value ->> 'name'),
    btrim(g.value ->> 'niche'),
    btrim(g.value ->> 'target_status'),
    btrim(g.value ->> 'trigger'),
    btrim(g.value ->> 'device'),
    btrim(g.value ->> 'time_zone'),
    btrim(g.value ->> 'language'),
    btrim(g.value ->> 'external_id'),
    g.value -> 'attributes'
  from (
    select
      e.position::integer as row,
      e.value,
      jsonb_typeof(e.value) = 'object' as is_object
    from jsonb_array_elements(p_leads) with ordinality as e (value, position)
  ) g
  cross join lateral (
    select
      min(k.key) filter (where k.key <> all (p_known)) as unknown_key,
      min(k.key) filter (
        where k.key <> 'attributes'
          and jsonb_typeof(k.value) in ('object', 'array', 'boolean')
          and (k.key <> 'phone' or jsonb_typeof(k.value) <> 'array')) as odd_key
    from jsonb_each(case when g.is_object then g.value else '{}' end) as k (key, value)
  ) f
$$;
comment on function drip._lead_fields(jsonb, text[]) is
  'The fields of each lead as text, an unknown key, and a key whose value is not text.';

create function drip._lead_limits(
  p_external_id text, p_name text, p_niche text, p_trigger text, p_attributes jsonb)
returns text[]
language sql stable
as $$
  select case
    when length(p_external_id) > drip._limit('key') then array['DR001',
      pg_catalog.format('external_id is longer than %s characters', drip._limit('key')),
      'Use your system''s short key.']
    when length(p_name) > drip._limit('name') then array['DR021',
      pg_catalog.format('name has more than %s characters', drip._limit('name')),
      'Shorten it: lists and texts show it.']
    when greatest(length(p_niche), length(p_trigger)) > drip._limit('tokens') then
      array['DR021',
        pg_catalog.format(
          'niche or trigger has more than %s characters', drip._limit('tokens')),
        'Pass fewer tokens.']
    when length(p_attributes::text) > drip._limit('attributes') then array['DR021',
      pg_catalog.format(
        'attributes have more than %s characters as JSON', drip._limit('attributes')),
      'Keep here what texts and audiences need, and the rest in your own tables.']
    when drip._is_too_deep(p_attributes::text) then array['DR021',
      pg_catalog.format('attributes are nested deeper than %s levels', drip._limit('depth')),
      'Flatten them.']
    when jsonb_typeof(p_attributes) not in ('object', 'null') then array['DR001',
      'attributes are not a JSON object', 'Write {"city": "Ipoh"}.']
  end
$$;
comment on function drip._lead_limits(text, text, text, text, jsonb) is
  'Code, problem and hint of the first field that is too long or malformed, or null.';

create function drip._lead_patch(
  p_name text, p_niche text, p_target_status text, p_device text, p_device_id bigint,
  p_time_zone text, p_language text, p_external_id text)
returns table (patch jsonb)
language sql stable
as $$
  select coalesce(jsonb_object_agg(v.key, v.value), '{}')
  from (
    values
      ('name', to_jsonb(nullif(p_name, '')), p_name),
      ('niche', to_jsonb(drip._clean_tokens(p_niche)), p_niche),
      ('target_status', to_jsonb(p_target_status), nullif(p_target_status, '')),
      ('device_id', to_jsonb(p_device_id), p_device),
      ('time_zone', to_jsonb(nullif(p_time_zone, '')), p_time_zone),
      ('language', to_jsonb(nullif(p_language, '')), p_language),
      ('external_id', to_jsonb(nullif(p_external_id, '')), p_external_id)
  ) v (key, value, given)
  where v.given is not null
$$;
comment on function drip._lead_patch(text, text, text, text, bigint, text, text, text) is
  'The columns that a lead''s fields set; an empty field clears its column.';
