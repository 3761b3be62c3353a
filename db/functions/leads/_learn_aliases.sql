-- A fact that names a lead and another id teaches the id. An id of another lead stays that lead's.
create function drip._learn_aliases(p_known jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  insert into drip.lead_aliases as a (user_id, platform, provider_id, lead_id, created_at)
  select distinct on (k.user_id, k.platform, o.id)
    k.user_id, k.platform, o.id, k.lead_id, v_now
  from jsonb_to_recordset(p_known) as k (
    user_id bigint, platform text, contact text, contact_aliases text[], lead_id bigint,
    phone text)
  cross join lateral unnest(k.contact || k.contact_aliases) as o (id)
  where k.lead_id is not null
    and o.id <> ''
    and length(o.id) <= 200
    and '+' || o.id <> k.phone
    -- an erased person gets no new alias
    and not starts_with(k.phone, '+999')
    and not exists (
      select from drip._lead_of_phone(k.user_id, '+' || o.id) l where l.id <> k.lead_id)
  order by k.user_id, k.platform, o.id, k.lead_id
  on conflict do nothing;
end
$$;
comment on function drip._learn_aliases(jsonb) is
  'Stores the ids under which providers know leads, of facts [{user_id, platform, contact,
   contact_aliases, lead_id, phone}].';
