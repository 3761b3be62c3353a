-- A gateway with several sessions names the phone in every webhook, and the session in most.
create function drip._learn_sessions(p_facts jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  with named as (
    select distinct on (f.device_id) f.device_id, f.instance_jid
    from jsonb_to_recordset(p_facts) as f (
      device_id bigint, instance_jid text, is_named boolean, problem text, at timestamptz)
    where f.is_named and f.problem is null and f.instance_jid like '%@%'
    order by f.device_id, f.at desc
  ),
  -- the next webhook tells it to a device that somebody is editing
  free as (
    select d.id, n.instance_jid
    from named n
    join drip.user_devices d on d.id = n.device_id
    where d.jid is distinct from n.instance_jid
    order by d.id
    for no key update of d skip locked
  )
  update drip.user_devices d
  set jid = left(f.instance_jid, 100)
  from free f
  where d.id = f.id;
end
$$;
comment on function drip._learn_sessions(jsonb) is
  'Notes under which WhatsApp id the gateways of these facts know the devices that they name.';
