-- Definitions are compared and exported, so they must be complete and in a fixed order.
create function drip._campaign_definition(p_campaign_id bigint) returns jsonb
language sql stable
as $$
  select
    (select jsonb_object_agg(v.key, v.value)
     from jsonb_each(to_jsonb(c)) as v (key, value)
     join jsonb_each_text(drip._campaign_keys()) as k (key, kind) on k.key = v.key
     where k.kind <> 'read')
    || jsonb_build_object(
      'devices', (
        select jsonb_agg(d.name order by d.id)
        from drip.user_devices d
        where d.id = any (c.devices)))
  from drip.campaigns c
  where c.id = p_campaign_id
$$;
comment on function drip._campaign_definition(bigint) is
  'The definition of this campaign, with every settable key.';
