-- One lead by its phone in all tenants of the caller; each reads the phone by its own region.
create function drip.find_lead(p_phone text)
returns table (
  lead_id bigint, user_id bigint, phone text, name text, niche text, trigger text,
  target_status text, device_id bigint, time_zone text, language text, external_id text,
  attributes jsonb, is_paused boolean, paused_until timestamptz, pause_reason text,
  is_suppressed boolean, suppressed text, last_inbound_at timestamptz, created_at timestamptz,
  updated_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_users bigint[] := drip._mapped_users();
  v_sees_phones boolean := pg_catalog.pg_has_role(
    coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user),
    'drip_pii', 'member');
begin
  perform drip._require_role('drip_reader');
  return query
    select
      l.id, l.user_id,
      case when v_sees_phones then l.phone else drip.mask_phone(l.phone) end,
      l.name, l.niche, l.trigger, l.target_status, l.device_id, l.time_zone, l.language,
      l.external_id, l.attributes,
      coalesce(l.paused_until > drip.now(), false), nullif(l.paused_until, 'infinity'),
      case
        when v_sees_phones then l.pause_reason
        else drip.mask_phones_in(drip.mask_phone_in(l.pause_reason, l.phone))
      end,
      s.category is not null, s.category, l.last_inbound_at, l.created_at, l.updated_at
    from (
      select g.region, drip._normalize_phone(p_phone, g.region) as phone
      from (
        select distinct u.default_region as region
        from drip.users u
        where u.id = any (v_users)
      ) g
    ) r
    join drip.users u on u.default_region is not distinct from r.region and u.id = any (v_users)
    cross join lateral drip._lead_of_phone(u.id, r.phone) l
    left join lateral (
      select k.category
      from drip.suppressions k
      where k.user_id = l.user_id and k.phone_key = l.phone_key
      order by drip._stop_rank(k.category)
      limit 1
    ) s on true
    order by l.user_id;
end
$$;
comment on function drip.find_lead(text) is
  'The lead of a phone, one row per tenant of the caller that has it; phones are masked without
   drip_pii. suppressed: its opt-out or null; is_paused without paused_until lasts until
   resume_lead.';
grant execute on function drip.find_lead(text) to drip_reader;
