-- Files may write booleans and numbers without quotes or with them: yes, where a boolean is
-- expected, and 24, where a number is, are not text. A duration needs its unit: 24 alone is
-- refused.
create function drip._read_plainly(p_definition jsonb, p_kinds jsonb) returns jsonb
language sql immutable
as $$
  select case when jsonb_typeof(p_definition) <> 'object' then p_definition else (
    select coalesce(jsonb_object_agg(d.key, case
      when jsonb_typeof(d.value) <> 'string' then d.value
      when rtrim(k.kind, '!') = 'boolean' and lower(q.word) in ('true', 'yes', 'on') then 'true'
      when rtrim(k.kind, '!') = 'boolean' and lower(q.word) in ('false', 'no', 'off') then 'false'
      when rtrim(k.kind, '!') in ('integer', 'class', 'number', 'interval')
        and q.word ~ e'^[+-]?[0-9]{1,20}(\\.[0-9]{1,20})?$' then to_jsonb(q.word::numeric)
      else d.value
    end), '{}')
    from jsonb_each(p_definition) d
    cross join lateral (select d.value #>> '{}' as word) q
    cross join lateral (select p_kinds ->> d.key as kind) k) end
$$;
comment on function drip._read_plainly(jsonb, jsonb) is
  'A definition whose booleans and numbers may be written as texts, by the kinds of its keys.';
