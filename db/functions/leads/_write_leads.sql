-- New leads first, then changes, each sorted by phone, so that batches lock in the same order;
-- unchanged leads are neither locked nor written. A plan cached while the table was empty must not
-- scan it later.
create function drip._write_leads(p_user bigint, p_phones text[], p_patches jsonb[])
returns table (phone text, lead_id bigint, outcome text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_blank drip.leads;
  v_created bigint[];
  v_updated bigint[];
begin
  v_blank.user_id := p_user;
  v_blank.target_status := 'prospect';
  v_blank.attributes := '{}';

  with created as (
    insert into drip.leads as l (
      user_id, external_id, phone, name, niche, trigger, target_status, device_id, time_zone,
      language, attributes, created_at, updated_at)
    select
      p_user, x.external_id, n.phone, x.name, x.niche, x.trigger, x.target_status, x.device_id,
      x.time_zone, x.language, x.attributes, v_now, v_now
    from unnest(p_phones, p_patches) as n (phone, patch)
    cross join lateral drip._patch_lead(v_blank, n.patch) as x
    where not exists (
      select from drip.leads k where k.user_id = p_user and k.phone = n.phone)
    order by n.phone
    on conflict (user_id, phone) do nothing
    returning l.id
  )
  select array_agg(c.id)
  into v_created
  from created c;

  perform
  from unnest(p_phones, p_patches) as n (phone, patch)
  join drip.leads l on l.user_id = p_user and l.phone = n.phone
  where drip._patch_lead(l, n.patch) is distinct from l or l.is_tester
  order by l.phone
  for no key update of l;

  with updated as (
    update drip.leads l
    set external_id = x.external_id, name = x.name, niche = x.niche, trigger = x.trigger,
      target_status = x.target_status, device_id = x.device_id, time_zone = x.time_zone,
      language = x.language, attributes = x.attributes, updated_at = v_now,
      is_tester = false
    from unnest(p_phones, p_patches) as n (phone, patch)
    join drip.leads k on k.user_id = p_user and k.phone = n.phone
    cross join lateral drip._patch_lead(k, n.patch) as x
    where l.id = k.id
      and (x is distinct from k or k.is_tester)
    returning l.id
  )
  select array_agg(u.id)
  into v_updated
  from updated u;

  return query
    select
      n.phone,
      l.id,
      -- Sublinks are hashed; joins to a list of unknown length would be nested loops.
      case
        when l.id in (select c.id from unnest(v_created) as c (id)) then 'created'
        when l.id in (select u.id from unnest(v_updated) as u (id)) then 'updated'
        else 'unchanged'
      end
    from unnest(p_phones) as n (phone)
    join drip.leads l on l.user_id = p_user and l.phone = n.phone;
end
$$;
comment on function drip._write_leads(bigint, text[], jsonb[]) is
  'Creates or patches the leads of distinct phones. Outcome: created, updated, unchanged.';

-- Tokens are added to those that no sequence has consumed yet; attributes are merged by key.
create function drip._patch_lead(p_lead drip.leads, p_patch jsonb) returns drip.leads
language sql stable
as $$
  select jsonb_populate_record(
    p_lead,
    p_patch || jsonb_build_object(
      'trigger', drip._clean_tokens(concat_ws(
        ',',
        case when not coalesce((p_patch ->> 'clear_trigger')::boolean, false)
          then p_lead.trigger end,
        p_patch ->> 'tokens')),
      'attributes', p_lead.attributes || coalesce(p_patch -> 'attributes', '{}')))
$$;
comment on function drip._patch_lead(drip.leads, jsonb) is
  'The lead with a patch applied: fields by column name, tokens, clear_trigger, attributes.';
