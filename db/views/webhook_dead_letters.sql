-- Webhooks that were taken in and could not be processed: something a contact or a provider said
-- has had no effect yet. The body stays in its table: it holds texts and phones.
create view drip.webhook_dead_letters with (security_barrier) as
select
  w.user_id,
  w.id as dead_letter_id,
  w.kind,
  w.subject_id,
  coalesce(d.name, a.name) as subject,
  w.received_at,
  case
    when (select drip.can_see_phones()) then w.error
    -- an error of the database may repeat a value; ours names a device's instance
    when w.error ~ '^[0-9A-Z]{5}: ' then drip.mask_phones_in(w.error)
    else w.error
  end as error,
  w.tries,
  w.died_at,
  format('select * from drip.replay_dead_letters(array[%s], ''mended'');', w.id) as remedy
-- the test stands where it needs no join, else PostgreSQL 15 keeps those that a query does not need
from (select x.* from drip.dead_letters x where drip._policies_hold('webhook_dead_letters')) w
left join drip.user_devices d on w.kind = 'device' and d.id = w.subject_id
left join drip.sender_accounts a on w.kind = 'account' and a.id = w.subject_id
where w.replayed_at is null;
comment on view drip.webhook_dead_letters is
  'Grain: webhook (dead_letter_id). What could not be processed and was not replayed, and why.';
comment on column drip.webhook_dead_letters.user_id is
  'Tenant; null where the webhook belongs to no device of anybody, which operators alone see.';
comment on column drip.webhook_dead_letters.dead_letter_id is 'Key of the row.';
comment on column drip.webhook_dead_letters.kind is 'device or account: whose address it came to.';
comment on column drip.webhook_dead_letters.subject_id is 'Id of that device or account.';
comment on column drip.webhook_dead_letters.subject is 'Its name; null where it does not exist.';
comment on column drip.webhook_dead_letters.received_at is 'When the receiver took it in.';
comment on column drip.webhook_dead_letters.error is
  'Why it was laid aside; phones in it are masked without drip_pii.';
comment on column drip.webhook_dead_letters.tries is 'How often it was tried.';
comment on column drip.webhook_dead_letters.died_at is
  'When it was laid aside; it is kept for 90 days.';
comment on column drip.webhook_dead_letters.remedy is
  'Statement that processes it again, once the cause is mended.';
alter view drip.webhook_dead_letters owner to drip_view;
grant select on drip.webhook_dead_letters to drip_reader;
