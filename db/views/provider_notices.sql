-- What a provider said before a send failed for it: templates, numbers, accounts.
create view drip.provider_notices with (security_barrier) as
select
  n.user_id,
  n.id as notice_id,
  n.kind,
  n.event,
  n.words,
  n.account_id,
  a.name as account_name,
  n.device_id,
  d.name as device_name,
  n.paused_sequences,
  n.paused_campaigns,
  n.occurred_at,
  n.received_at
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.notices x where drip._policies_hold('provider_notices')) n
left join drip.sender_accounts a on a.id = n.account_id
left join drip.user_devices d on d.id = n.device_id;
comment on view drip.provider_notices is
  'Grain: notice (notice_id). What providers said of templates, numbers and accounts.';
comment on column drip.provider_notices.user_id is 'Tenant.';
comment on column drip.provider_notices.notice_id is 'Key of the row.';
comment on column drip.provider_notices.kind is
  'template_status, template_quality, number_quality, account, reach or alert.';
comment on column drip.provider_notices.event is
  'The provider''s word, such as PAUSED, DISABLED_UPDATE or FLAGGED.';
comment on column drip.provider_notices.words is 'The notice as a sentence.';
comment on column drip.provider_notices.account_id is
  'Sender account that it concerns; null where none has its WABA.';
comment on column drip.provider_notices.account_name is 'Its name.';
comment on column drip.provider_notices.device_id is 'Device that it concerns, if it names one.';
comment on column drip.provider_notices.device_name is 'Its name.';
comment on column drip.provider_notices.paused_sequences is
  'Sequences that were paused for it, or that wait to be resumed after it.';
comment on column drip.provider_notices.paused_campaigns is
  'Campaigns that were paused for it, or that wait to be resumed after it.';
comment on column drip.provider_notices.occurred_at is 'When the provider said it happened.';
comment on column drip.provider_notices.received_at is 'When it came here.';
alter view drip.provider_notices owner to drip_view;
grant select on drip.provider_notices to drip_reader;
