-- Webhooks that were stored and could not be processed: what a contact or a provider reported has
-- had no effect yet. The body stays in its table, since it has texts and phones.
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
  format('select * from drip.replay_dead_letters(array[%s], ''fixed'');', w.id) as remedy
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.dead_letters x where drip._policies_hold('webhook_dead_letters')) w
left join drip.user_devices d on w.kind = 'device' and d.id = w.subject_id
left join drip.sender_accounts a on w.kind = 'account' and a.id = w.subject_id
where w.replayed_at is null;
comment on view drip.webhook_dead_letters is
  'Grain: webhook (dead_letter_id). Webhooks that failed and were not replayed yet, and why.';
comment on column drip.webhook_dead_letters.user_id is
  'Tenant; null where the webhook belongs to no device, which only operators see.';
comment on column drip.webhook_dead_letters.dead_letter_id is 'Key of the row.';
comment on column drip.webhook_dead_letters.kind is 'device or account: the kind of its address.';
comment on column drip.webhook_dead_letters.subject_id is 'Id of that device or account.';
comment on column drip.webhook_dead_letters.subject is 'Its name; null where it does not exist.';
comment on column drip.webhook_dead_letters.received_at is 'When the receiver stored it.';
comment on column drip.webhook_dead_letters.error is
  'Why it failed; phones in it are masked without drip_pii.';
comment on column drip.webhook_dead_letters.tries is 'How often it was tried.';
comment on column drip.webhook_dead_letters.died_at is
  'When it became a dead letter; it is kept for 90 days.';
comment on column drip.webhook_dead_letters.remedy is
  'Statement that processes it again, once the cause is fixed.';
alter view drip.webhook_dead_letters owner to drip_view;
grant select on drip.webhook_dead_letters to drip_reader;
