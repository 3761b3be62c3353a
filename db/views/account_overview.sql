-- One line per sender account: whether it can send, and what its provider allows.
create view drip.account_overview with (security_barrier) as
select
  a.user_id,
  a.id as account_id,
  a.name as account_name,
  a.platform,
  a.status,
  a.status_reason,
  case when a.blocked_until > drip.now() then a.blocked_until end as blocked_until,
  a.reach_cap,
  a.messaging_limit,
  nullif(a.proposed_reach_cap, a.reach_cap) as proposed_reach_cap,
  a.proposed_at,
  a.waba_ids,
  coalesce(c.devices, 0) as devices,
  coalesce(c.online, 0) as devices_online,
  c.worst_quality_rating
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.sender_accounts x where drip._policies_hold('account_overview')) a
left join (
  select
    o.account_id,
    count(*) as devices,
    count(*) filter (where o.status = 'online') as online,
    coalesce(
      max(o.quality_rating) filter (where o.quality_rating = 'RED'),
      max(o.quality_rating) filter (where o.quality_rating = 'YELLOW'),
      max(o.quality_rating)) as worst_quality_rating
  from drip.user_devices o
  where o.account_id is not null
  group by o.account_id
) c on c.account_id = a.id;
comment on view drip.account_overview is
  'Grain: sender account (account_id). Whether it can send, and what its provider allows.';
comment on column drip.account_overview.user_id is 'Tenant.';
comment on column drip.account_overview.account_id is 'Key of the row.';
comment on column drip.account_overview.account_name is 'Its name.';
comment on column drip.account_overview.platform is
  'gowa, cloud_api, waha, evolution, wablas or whacenter.';
comment on column drip.account_overview.status is 'online, offline, needs_attention or disabled.';
comment on column drip.account_overview.status_reason is
  'What stopped or blocked it, in words.';
comment on column drip.account_overview.blocked_until is
  'None of its devices sends until then; null = not blocked.';
comment on column drip.account_overview.reach_cap is
  'Most people reached in 24 hours over its devices; null = no cap.';
comment on column drip.account_overview.messaging_limit is
  'The provider''s own word for its limit, such as TIER_2K; null = none was told.';
comment on column drip.account_overview.proposed_reach_cap is
  'The limit that the provider told, where reach_cap is another; upsert_account() applies it.';
comment on column drip.account_overview.proposed_at is 'When the provider told its limit.';
comment on column drip.account_overview.waba_ids is
  'Meta''s ids of its WhatsApp Business Accounts.';
comment on column drip.account_overview.devices is 'Devices that belong to it.';
comment on column drip.account_overview.devices_online is 'Those whose status is online.';
comment on column drip.account_overview.worst_quality_rating is
  'The worst quality rating among its numbers; null = none was told.';
alter view drip.account_overview owner to drip_view;
grant select on drip.account_overview to drip_reader;
