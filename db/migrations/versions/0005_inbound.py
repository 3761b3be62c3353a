"""What comes back: parked receipts, replies, dead letters, subscriptions to events.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DEVICES = r"""
alter table drip.user_devices add column asked_at timestamptz;
comment on column drip.user_devices.asked_at is
  'When a worker last took it to ask its sender for its health.';
alter table drip.user_devices add column is_held boolean not null default false;
comment on column drip.user_devices.is_held is
  'It needs attention for an error that no check of its health sees: only a person ends that.';
"""

QUEUE = r"""
-- Receipts name a message by the provider's id alone.
create index broadcast_messages_provider_idx on drip.broadcast_messages (provider_message_id)
  where provider_message_id is not null;

select pgmq.create('drip_inbound') where to_regclass('pgmq.q_drip_inbound') is null;
"""

RECEIPTS = r"""
alter table drip.receipts add column recipient text;
alter table drip.receipts add column message_ref bigint;
-- squawk-ignore prefer-bigint-over-int
alter table drip.receipts add column attempt_ref integer;
drop index drip.receipts_unmatched_idx;
create index receipts_waiting_idx on drip.receipts (provider_message_id);
create index receipts_ref_idx on drip.receipts (message_ref) where message_ref is not null;
create index receipts_received_idx on drip.receipts (received_at);
-- squawk-ignore disallowed-unique-constraint
create unique index receipts_once on drip.receipts (user_id, provider_message_id, kind);
comment on table drip.receipts is
  'Receipts whose message is not known yet; a row goes when its message appears.';
comment on column drip.receipts.recipient is 'The contact as the provider names it.';
comment on column drip.receipts.message_ref is 'Our own message id, where the provider echoes it.';
comment on column drip.receipts.attempt_ref is 'The attempt that the provider echoes with it.';

alter table drip.inbound_messages add column sender_name text;
alter table drip.inbound_messages add column sender_alias text;
alter table drip.inbound_messages add column payload text;
alter table drip.inbound_messages add column reply_to_message_id bigint;
alter table drip.inbound_messages add column opt_out_category text;
alter table drip.inbound_messages add column sent_at timestamptz;
alter table drip.inbound_messages add column processed_at timestamptz;
create index inbound_messages_lead_idx on drip.inbound_messages (lead_id, id);
create index inbound_messages_user_idx on drip.inbound_messages (user_id, received_at);
create index inbound_messages_opt_out_idx on drip.inbound_messages (reply_to_message_id)
  where opt_out_category is not null and reply_to_message_id is not null;
comment on column drip.inbound_messages.sender is
  'Who wrote: an E.164 phone, else the provider''s id of a contact without one.';
comment on column drip.inbound_messages.payload is 'What a tapped button carries.';
comment on column drip.inbound_messages.reply_to_message_id is
  'The message it answers: the quoted one, else the last one sent to the lead within 72 hours.';
comment on column drip.inbound_messages.opt_out_category is
  'all or marketing where the text was a stop word, else null.';
comment on column drip.inbound_messages.sent_at is 'When the contact wrote, by the provider.';
comment on column drip.inbound_messages.processed_at is
  'When process_inbound() did what follows from it; that carries the same time.';

-- A row of its own, so that a receipt waits for nobody who edits the device. Kept to the hour: a
-- row per receipt would be the hottest of all.
create table drip.device_receipts (
  device_id        bigint primary key,
  user_id          bigint not null references drip.users (id),
  last_receipt_at  timestamptz not null
);
comment on table drip.device_receipts is
  'Devices whose messages get receipts, and when the last one came, to the hour.';

create table drip.dead_letters (
  id           bigint generated always as identity primary key,
  user_id      bigint references drip.users (id),
  kind         text not null,
  subject_id   bigint not null,
  received_at  timestamptz not null,
  body         text not null,
  error        text not null,
  -- squawk-ignore prefer-bigint-over-int
  tries        integer not null,
  died_at      timestamptz not null,
  replayed_at  timestamptz,
  constraint dead_letters_kind_known check (kind in ('device', 'account'))
);
create index dead_letters_died_idx on drip.dead_letters (died_at);
comment on table drip.dead_letters is
  'Webhooks that could not be processed, with the error; replay_dead_letters() tries them again.';
"""

RULES = r"""
alter table drip.users add column opt_out_confirmation text;
comment on column drip.users.opt_out_confirmation is
  '[setting] Text sent once to a contact who opts out by a reply; null = none.';

alter table drip.error_codes add column backoff numeric;
-- squawk-ignore prefer-bigint-over-int
alter table drip.error_codes add column max_failures integer;
-- squawk-ignore prefer-bigint-over-int
alter table drip.error_codes add column suppress_after integer;
-- A handful of rows, and all of them obey.
-- squawk-ignore constraint-missing-not-valid
alter table drip.error_codes add constraint error_codes_backoff_grows check (backoff >= 1);
-- squawk-ignore constraint-missing-not-valid
alter table drip.error_codes add constraint error_codes_max_positive check (max_failures > 0);
-- squawk-ignore constraint-missing-not-valid
alter table drip.error_codes add constraint error_codes_suppress_positive
  check (suppress_after > 0);
-- It comes back at once, with one more word.
-- squawk-ignore ban-drop-constraint
alter table drip.error_codes drop constraint error_codes_scope_known;
-- squawk-ignore constraint-missing-not-valid
alter table drip.error_codes add constraint error_codes_scope_known
  check (scope in ('recipient', 'device', 'account', 'program'));
comment on column drip.error_codes.scope is
  '[setting] Whom the error concerns: recipient, device, account, or the sequence or campaign.';
comment on column drip.error_codes.action is
  '[setting] retry after wait; fail the message; unknown; stop the device, account, or program;
   opt_out.';
comment on column drip.error_codes.backoff is
  '[setting] Each failure of the message makes the wait so many times longer; null = no growth.';
comment on column drip.error_codes.max_failures is
  '[setting] Failures with which the message has failed; null = the message''s max_failures.';
comment on column drip.error_codes.suppress_after is
  '[setting] So many messages in a row failed with this code: the phone gets nothing more.';

alter table drip.error_codes add column check_ends_stop boolean not null default true;
comment on column drip.error_codes.check_ends_stop is
  '[setting] Who ends a stop of a device: a health check that finds it well, or false: a person.';

update drip.error_codes set check_ends_stop = false
where platform = 'cloud_api'
  and code in ('131031', '131037', '131042', '131045', '131064', '368');
update drip.error_codes set backoff = 4, max_failures = 6
where platform = 'cloud_api' and code = '131056';
update drip.error_codes set max_failures = 3
where platform = 'cloud_api' and code = '131049';
update drip.error_codes set max_failures = 2
where platform = 'cloud_api' and code in ('131052', '131053');
update drip.error_codes set backoff = 2
where platform = 'cloud_api' and code in ('2', '133004', '131016');
update drip.error_codes set suppress_after = 3
where (platform, code) in (('cloud_api', '131026'), ('gowa', 'INVALID_JID'));
update drip.error_codes set scope = 'program', action = 'stop', auto_resume = false
where platform = 'cloud_api'
  and code in ('132000', '132001', '132005', '132007', '132012', '132015', '132016')
  -- a row that an operator has edited stays
  and (scope, action) = ('recipient', 'fail');
insert into drip.error_codes (platform, code, scope, action, wait, auto_resume, meaning)
values ('cloud_api', '200', 'device', 'stop', null, false, 'permission missing (200 to 299)')
on conflict (platform, code) do nothing;
-- What the senders say in words of their own, so that these codes are known and can be edited too.
insert into drip.error_codes (platform, code, scope, action, wait, auto_resume, meaning)
select p.platform, c.code, c.scope, c.action, null, c.action <> 'stop', c.meaning
from (values ('gowa'), ('cloud_api')) as p (platform)
cross join (
  values
    ('VALIDATION_ERROR', 'recipient', 'fail', 'the message does not fit the platform'),
    ('INVALID_ROW', 'recipient', 'fail', 'the worker cannot read the message'),
    ('HTTP_400', 'recipient', 'fail', 'the gateway refused the request'),
    ('CONNECTION_REFUSED', 'device', 'retry', 'the gateway refused the connection'),
    ('CONNECTION_FAILED', 'device', 'retry', 'no connection to the gateway'),
    ('DNS', 'device', 'retry', 'the gateway''s host name is unknown'),
    ('TLS', 'device', 'retry', 'no TLS connection to the gateway'),
    ('HTTP_429', 'device', 'retry', 'too many requests'),
    ('HTTP_503', 'device', 'retry', 'the gateway is not available'),
    ('HTTP_401', 'device', 'stop', 'the gateway refused the credentials'),
    ('HTTP_403', 'device', 'stop', 'the gateway refused the credentials'),
    ('HTTP_404', 'device', 'stop', 'there is no gateway at the endpoint'),
    ('ENDPOINT_MISSING', 'device', 'stop', 'the device has no endpoint'),
    ('ENDPOINT_INVALID', 'device', 'stop', 'the endpoint is not a valid address'),
    ('INSTANCE_MISSING', 'device', 'stop', 'the device has no instance'),
    ('SECRET_MISSING', 'device', 'stop', 'the secret of the device is not set'),
    ('SECRET_INVALID', 'device', 'stop', 'the secret of the device has the wrong form'),
    ('TIMEOUT', 'recipient', 'unknown', 'the gateway did not answer in time'),
    ('CONNECTION_RESET', 'recipient', 'unknown', 'the gateway closed the connection unanswered'),
    ('BAD_ANSWER', 'recipient', 'unknown', 'the gateway''s answer cannot be read'),
    ('NO_MESSAGE_ID', 'recipient', 'unknown', 'the gateway gave no message id'),
    ('HTTP_500', 'recipient', 'unknown', 'the gateway failed'),
    ('HTTP_502', 'recipient', 'unknown', 'a proxy lost the gateway'),
    ('HTTP_504', 'recipient', 'unknown', 'the gateway gave up waiting'),
    ('LEASE_EXPIRED', 'recipient', 'unknown', 'the worker was lost while it was sending'),
    ('SENDER_ERROR', 'recipient', 'unknown', 'the sender failed in the worker'),
    ('WORKER_STOPPED', 'recipient', 'unknown', 'the worker stopped before the answer')
) as c (code, scope, action, meaning)
on conflict (platform, code) do nothing;

insert into drip.stop_words (word, category)
values
  ('opt out', 'all'), ('optout', 'all'), ('henti', 'all'),
  ('stop promo', 'marketing'), ('stop promosi', 'marketing'), ('no promo', 'marketing')
on conflict (user_id, language, word) do nothing;
"""

EVENTS = r"""
create sequence drip.event_ids;

create table drip.subscriptions (
  id          bigint generated always as identity primary key,
  user_id     bigint not null references drip.users (id),
  queue       text not null,
  pattern     text not null,
  matches     text not null,
  queue_name  text not null,
  created_at  timestamptz not null,
  constraint subscriptions_unique unique (user_id, queue, pattern),
  constraint subscriptions_queue_form check (queue ~ '^[a-z][a-z0-9_]{0,29}$')
);
comment on table drip.subscriptions is
  'Which events go into which queue of a tenant; subscribe() adds rows.';
comment on column drip.subscriptions.matches is 'The pattern as a regular expression.';
comment on column drip.subscriptions.queue_name is 'The queue''s name in pgmq.';

-- The columns of pgmq's own tables that are read over all queues at once.
create table drip.waiting_events (
  enqueued_at  timestamptz,
  message      jsonb
);
comment on table drip.waiting_events is
  'Parent of the queues of events: what no application has acked yet. Holds no row itself.';
"""

RIGHTS = r"""
-- What names no device of anybody belongs to no tenant: operators see it, unless they look at one.
alter table drip.dead_letters enable row level security;
create policy dead_letters_of_caller on drip.dead_letters using (
  user_id = any (array(select u.id from drip.users u))
  or (
    user_id is null
    and (
      select coalesce(current_setting('drip.user', true), '') = ''
        and pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user),
                        'drip_operator', 'member'))));
alter table drip.device_receipts enable row level security;
create policy device_receipts_of_caller on drip.device_receipts using (
  user_id = any (array(select u.id from drip.users u)));
alter table drip.subscriptions enable row level security;
create policy subscriptions_of_caller on drip.subscriptions using (
  user_id = any (array(select u.id from drip.users u)));
grant select on drip.dead_letters, drip.device_receipts, drip.subscriptions, drip.waiting_events
  to drip_view, drip_operator;
grant update (opt_out_confirmation) on drip.users to drip_operator;
grant update (backoff, max_failures, suppress_after) on drip.error_codes to drip_operator;
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    for part in (DEVICES, QUEUE, RECEIPTS, RULES, EVENTS, RIGHTS):
        driver.execute(part)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
