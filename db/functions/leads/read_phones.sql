-- An application can ask how a phone is read before it stores one; an import finds its columns so.
create function drip.read_phones(p_phones text[], p_countries text[] default null)
returns table ("position" integer, phone text, kind text, problem text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_region text;
begin
  perform drip._require_role('drip_app');
  perform drip._check_count(cardinality(p_phones), 'rows', 'p_phones');
  perform drip._check_count(cardinality(p_countries), 'rows', 'p_countries');
  select u.default_region
  into v_region
  from drip.users u
  where u.id = v_user;
  return query
    select i.position::integer, r.phone, drip._phone_kind(r.phone), r.problem
    from unnest(p_phones) with ordinality as i (phone, position)
    cross join lateral drip._read_phone(i.phone, v_region, p_countries[i.position]) as r
    order by i.position;
end
$$;
comment on function drip.read_phones(text[], text[]) is
  'How each phone is read: as E.164, or problem says why not; by its country (name or code) where
   p_countries has one, else by the tenant''s default region. kind: mobile or fixed by the numbering
   plan of its country, null for a number that the plan does not know. Changes nothing.';
grant execute on function drip.read_phones(text[], text[]) to drip_app;
