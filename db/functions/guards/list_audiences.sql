-- It reads no audience: a slow one would make the list as slow.
create function drip.list_audiences()
returns table (
  name text, view_name text, key_column text, max_rows bigint, time_limit interval,
  user_id bigint, user_name text, description text, problem text, used_by text[],
  created_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    a.name,
    coalesce(a.view_name, v.view::text),
    a.key_column,
    a.max_rows,
    a.time_limit,
    a.user_id,
    u.name,
    a.description,
    case
      when v.view is null then 'the view is gone'
      when not exists (
        select
        from pg_catalog.pg_attribute t
        where t.attrelid = v.view and t.attname = a.key_column and not t.attisdropped)
        then format('the view has no column %s', a.key_column)
      when not pg_catalog.has_table_privilege('drip_guard', v.view, 'select')
        or not pg_catalog.has_schema_privilege('drip_guard', c.relnamespace, 'usage')
        then 'drip_guard may not read it'
    end,
    array(
      select k.title
      from drip.campaigns k
      where a.name in (k.audience, k.exclude)
        and k.status not in ('completed', 'cancelled')
        and k.user_id = any (drip._mapped_users())
      order by k.title),
    a.created_at
  from drip.audiences a
  left join drip.users u on u.id = a.user_id
  cross join lateral (select drip._audience_view(a) as view) v
  left join pg_catalog.pg_class c on c.oid = v.view
  where drip._require_role('drip_operator')
    and a.unregistered_at is null
  order by a.name
$$;
comment on function drip.list_audiences() is
  'One row per audience: its view and key, its bounds, its tenant (null: all), the problem that
   keeps it from being read, and the unfinished campaigns that name it.';
grant execute on function drip.list_audiences() to drip_operator;
