-- Which text does better: a line per variant, and one for messages that have none yet, so that the
-- lines of a campaign sum up to campaign_overview's.
create view drip.campaign_variants with (security_barrier) as
select
  c.user_id,
  c.id as campaign_id,
  c.title,
  c.status,
  v.variant,
  v.weight,
  coalesce(q.messages, 0) as messages,
  coalesce(q.sent, 0) as messages_sent,
  coalesce(q.failed, 0) as messages_failed,
  coalesce(q.unknown, 0) as messages_unknown,
  coalesce(q.others, 0) as messages_others,
  coalesce(q.delivered, 0) as delivered,
  coalesce(q.read, 0) as read,
  coalesce(q.replied, 0) as replied,
  round(100.0 * q.delivered / nullif(q.sent, 0), 1) as delivered_percent,
  round(100.0 * q.read / nullif(q.sent, 0), 1) as read_percent,
  round(100.0 * q.replied / nullif(q.sent, 0), 1) as replied_percent
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.campaigns x where drip._policies_hold('campaign_variants')) c
cross join lateral (
  select
    e.value ->> 'name' as variant,
    (e.value ->> 'weight')::numeric as weight
  from jsonb_array_elements(c.variants) e
  union all
  select null as variant, null as weight
  union all
  -- variants that the campaign no longer has
  select distinct
    m.variant,
    null::numeric as weight
  from drip._message_outcomes m
  where m.campaign_id = c.id
    and m.variant is not null
    and not exists (
      select
      from jsonb_array_elements(c.variants) e
      where e.value ->> 'name' = m.variant)
) v
left join (
  select
    m.campaign_id,
    m.variant,
    count(*) as messages,
    count(*) filter (where m.status = 'sent') as sent,
    count(*) filter (where m.status = 'failed') as failed,
    count(*) filter (where m.status = 'unknown') as unknown,
    count(*) filter (where m.status not in ('sent', 'failed', 'unknown')) as others,
    count(*) filter (where m.is_delivered) as delivered,
    count(*) filter (where m.is_read) as read,
    count(*) filter (where m.is_replied) as replied
  from drip._message_outcomes m
  where m.campaign_id is not null
  group by m.campaign_id, m.variant
) q on q.campaign_id = c.id and q.variant is not distinct from v.variant
where (c.variants is not null or v.variant is not null)
  and (v.variant is not null or q.messages > 0);
comment on view drip.campaign_variants is
  'Grain: campaign × variant (campaign_id, variant). Results of each text of a campaign with
   variants; the line without a variant has the messages that are not claimed yet.';
comment on column drip.campaign_variants.user_id is 'Tenant.';
comment on column drip.campaign_variants.campaign_id is 'Campaign.';
comment on column drip.campaign_variants.title is 'Its title.';
comment on column drip.campaign_variants.status is
  'draft, pending, triggered, completed, paused, cancelled or failed.';
comment on column drip.campaign_variants.variant is
  'Name of the variant; null: messages that were never claimed.';
comment on column drip.campaign_variants.weight is
  'Its weight now; null where the campaign no longer has it.';
comment on column drip.campaign_variants.messages is
  'Messages with it; the sum of the four statuses after it.';
comment on column drip.campaign_variants.messages_sent is 'Messages that are sent.';
comment on column drip.campaign_variants.messages_failed is 'Messages that are failed.';
comment on column drip.campaign_variants.messages_unknown is 'Messages that are unknown.';
comment on column drip.campaign_variants.messages_others is
  'Messages that are pending, processing, cancelled, skipped or expired.';
comment on column drip.campaign_variants.delivered is
  'Sent messages that reached the phone; includes read.';
comment on column drip.campaign_variants.read is 'Sent messages that were read.';
comment on column drip.campaign_variants.replied is 'Sent messages that got a reply.';
comment on column drip.campaign_variants.delivered_percent is
  'Delivered among sent messages, in percent.';
comment on column drip.campaign_variants.read_percent is 'Read among sent messages, in percent.';
comment on column drip.campaign_variants.replied_percent is
  'Replied among sent messages, in percent.';
alter view drip.campaign_variants owner to drip_view;
grant select on drip.campaign_variants to drip_reader;
