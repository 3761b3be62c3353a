-- Applications pass phones; a lead is created for each valid one that has none. Sorted by phone,
-- so that two callers with the same phones lock in the same order. Existing leads keep their data;
-- a tester becomes an ordinary lead.
create function drip._get_or_create_leads(
  p_user bigint, p_phones text[], p_names text[] default null)
returns table ("position" integer, input text, phone text, lead_id bigint, problem text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_region text := (select u.default_region from drip.users u where u.id = p_user);
  v_phones text[];
  v_problems text[];
  v_has_testers boolean;
  v_has_new boolean;
begin
  -- looking up a phone takes a tenth of the time of parsing it; an erased lead's placeholder is not
  -- a phone
  select
    array_agg(coalesce(k.phone, r.phone) order by i.position),
    array_agg(r.problem order by i.position),
    bool_or(k.is_tester),
    bool_or(k.id is null)
  into v_phones, v_problems, v_has_testers, v_has_new
  from unnest(p_phones) with ordinality as i (input, position)
  left join drip.leads k
    on k.user_id = p_user and k.phone = i.input and not starts_with(i.input, '+999')
  left join lateral (
    select q.phone, q.problem
    from drip._read_phone(i.input, v_region) as q
    where k.id is null
    offset 0
  ) r on true;

  -- a number in another spelling: the existing lead, else the first spelling of the call
  if v_has_new then
    v_phones := array(
      select case
        when l.id is not null or i.phone is null then i.phone
        else coalesce(
          k.phone,
          first_value(i.phone) over (
            partition by l.id is null, drip._phone_key(i.phone) order by i.position))
      end
      from unnest(v_phones) with ordinality as i (phone, position)
      left join drip.leads l on l.user_id = p_user and l.phone = i.phone
      left join lateral drip._lead_of_phone(p_user, i.phone) k on l.id is null
      order by i.position);
  end if;

  insert into drip.leads as l (user_id, phone, name, created_at, updated_at)
  select p_user, n.phone, n.name, v_now, v_now
  from (
    select distinct on (i.phone)
      i.phone, nullif(btrim(i.name), '') as name
    from unnest(v_phones, p_names) with ordinality as i (phone, name, position)
    where i.phone is not null
    order by i.phone, nullif(btrim(i.name), '') is null, i.position
  ) n
  where not exists (
    select from drip.leads k where k.user_id = p_user and k.phone = n.phone)
  order by n.phone
  on conflict (user_id, phone) do nothing;

  if v_has_testers then
    with testers as (
      select l.id
      from drip.leads l
      where l.user_id = p_user and l.phone = any (v_phones) and l.is_tester
      order by l.phone
      for no key update
    )
    update drip.leads l
    set is_tester = false
    from testers t
    where l.id = t.id;
  end if;

  return query
    select i.position::integer, i.input, i.phone, l.id, i.problem
    from unnest(p_phones, v_phones, v_problems) with ordinality
      as i (input, phone, problem, position)
    left join drip.leads l on l.user_id = p_user and l.phone = i.phone
    order by i.position;
end
$$;
comment on function drip._get_or_create_leads(bigint, text[], text[]) is
  'The lead of each phone, created where there is none; problem says why a phone is invalid.';
