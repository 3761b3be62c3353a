-- At most one notification per transaction and set of devices; planning writes no shared row.
create function drip._notify_wake(p_devices bigint[]) returns void
language sql volatile
as $$
  select pg_catalog.pg_notify('drip_wake', drip._seal_devices(
    case when cardinality(p_devices) <= 400 then p_devices else '{}' end))
  where cardinality(p_devices) > 0
$$;
comment on function drip._notify_wake(bigint[]) is
  'Notifies the workers, sealed, which devices have new messages; above 400 it says all devices.';
