-- The texts of a message and their paths in its definition.
create function drip._list_texts(
  p_content text, p_caption text, p_media_url text, p_template jsonb, p_path text,
  p_content_key text)
returns table (path text, text text)
language sql immutable parallel safe
as $$
  with recursive part (path, value) as (
    select p_path || 'template.components', p_template -> 'components'
    union all
    select n.path, n.value
    from part p
    cross join lateral (
      select p.path || '.' || o.key, o.value
      from jsonb_each(case when jsonb_typeof(p.value) = 'object' then p.value else '{}' end) o
      union all
      select p.path || '[' || a.place || ']', a.value
      from jsonb_array_elements(
        case when jsonb_typeof(p.value) = 'array' then p.value else '[]' end)
        with ordinality as a (value, place)
    ) n (path, value)
  )
  select p_path || p_content_key, p_content
  where p_content is not null
  union all
  select p_path || 'caption', p_caption
  where p_caption is not null
  union all
  select p_path || 'media_url', p_media_url
  where p_media_url is not null
  union all
  select p.path, p.value #>> '{}'
  from part p
  where jsonb_typeof(p.value) = 'string'
$$;
comment on function drip._list_texts(text, text, text, jsonb, text, text) is
  'Each text of a message that is rendered, with its path.';
