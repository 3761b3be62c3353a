-- Devices whose messages had receipts lately: a message of theirs without any has not arrived.
-- About messages of other devices nothing is known.
create view drip._reporting_devices as
select r.device_id, r.user_id, r.last_receipt_at
from drip.device_receipts r
where r.last_receipt_at > drip.now() - interval '7 days';
comment on view drip._reporting_devices is
  'Grain: device that reports receipts (device_id), for the caller''s tenants; private.';
alter view drip._reporting_devices owner to drip_view;
