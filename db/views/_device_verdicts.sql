-- The verdict on a device: what would stop a message that nothing else stops. Facts have the names
-- of _message_evidence. It belongs to the owner, so it shows every tenant, and readers filter by
-- device.
create view drip._device_verdicts as
select f.device_id, f.user_id, f.facts, v.verdict, v.reason, v.until
from (
  select
    d.id as device_id,
    d.user_id,
    to_jsonb(e) || jsonb_build_object(
      'now', drip.now(), 'user_active', u.is_active, 'user_zone', u.time_zone,
      'account_cap_until', e.account_full_until) as facts
  from drip.user_devices d
  join drip.users u on u.id = d.user_id
  join drip._device_evidence e on e.live_device_id = d.id
) f
cross join lateral drip._judge_facts(f.facts) v;
comment on view drip._device_verdicts is
  'Grain: device (device_id). Its facts and the verdict on them, for all tenants; private.';
grant select on drip._device_verdicts to drip_view;
