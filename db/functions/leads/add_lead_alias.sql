-- For a sender whose id no webhook has linked to a phone: who knows it can say so.
create function drip.add_lead_alias(
  p_provider_id text, p_phone text, p_platform text default 'gowa')
returns table (lead_id bigint, provider_id text, outcome text, matched bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_id constant text := btrim(split_part(p_provider_id, '@', 1));
  v_lead constant drip.leads := drip._find_lead(v_user, p_phone);
  v_other bigint;
  v_matched bigint;
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_provider_id, 'key', 'p_provider_id');
  if coalesce(v_id, '') = '' then
    perform drip._fail(
      'DR001', 'the provider''s id is empty', 'The column sender_id of replies shows it.');
  end if;
  if p_platform is null
    or p_platform not in (select d.platform from drip.user_devices d where d.user_id = v_user)
  then
    perform drip._fail(
      'DR001',
      pg_catalog.format(
        'the tenant has no device of the platform %s',
        pg_catalog.quote_nullable(left(p_platform, 60))),
      'device_overview shows the platforms of the devices.');
  end if;
  -- counted before: the trigger of the table matches them
  select count(*)
  into v_matched
  from drip.inbound_messages i
  join drip.user_devices d on d.id = i.device_id and d.platform = p_platform
  where i.user_id = v_user and i.sender_alias = v_id and i.lead_id is null
    and i.sender not like '+%';
  insert into drip.lead_aliases as a (user_id, platform, provider_id, lead_id, created_at)
  values (v_user, p_platform, v_id, v_lead.id, drip.now())
  on conflict do nothing;
  if found then
    return query select v_lead.id, v_id, 'added'::text, v_matched;
    return;
  end if;
  select a.lead_id
  into v_other
  from drip.lead_aliases a
  where a.user_id = v_user and a.platform = p_platform and a.provider_id = v_id;
  if v_other = v_lead.id then
    return query select v_lead.id, v_id, 'unchanged'::text, 0::bigint;
    return;
  end if;
  delete from drip.lead_aliases a
  where a.user_id = v_user and a.platform = p_platform and a.provider_id = v_id;
  insert into drip.lead_aliases (user_id, platform, provider_id, lead_id, created_at)
  values (v_user, p_platform, v_id, v_lead.id, drip.now());
  return query select v_lead.id, v_id, 'moved'::text, v_matched;
end
$$;
comment on function drip.add_lead_alias(text, text, text) is
  'Tells that an id of a provider, such as the LID of a contact whose phone is hidden, is the lead
   with that phone. What came from it before counts for the lead, opt-outs too: matched says how
   many messages. Outcome: added, moved (it was another lead''s), unchanged; DR012 for no lead.';
grant execute on function drip.add_lead_alias(text, text, text) to drip_app;
