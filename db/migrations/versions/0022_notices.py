"""Notices: what a provider says of templates, numbers and accounts before a send fails for it.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NOTICES = r"""
alter table drip.user_devices
  add column quality_rating  text,
  add column quality_since   timestamptz,
  add column messaging_limit text;
comment on column drip.user_devices.quality_rating is
  'The provider''s rating of the number, such as GREEN, YELLOW or RED; null = none was told.';

alter table drip.sender_accounts
  add column waba_ids           text[],
  add column messaging_limit    text,
  -- squawk-ignore prefer-bigint-over-int
  add column proposed_reach_cap integer,
  add column proposed_at        timestamptz;
comment on column drip.sender_accounts.waba_ids is
  '[setting] Meta''s ids of its WhatsApp Business Accounts; null = notices count by their address.';

create table drip.notices (
  id               bigint generated always as identity primary key,
  user_id          bigint not null references drip.users (id),
  account_id       bigint references drip.sender_accounts (id),
  device_id        bigint references drip.user_devices (id),
  kind             text not null,
  event            text not null,
  subject          text not null,
  words            text,
  paused_sequences bigint[] not null default '{}',
  paused_campaigns bigint[] not null default '{}',
  occurred_at      timestamptz not null,
  received_at      timestamptz not null,
  digest           text not null,
  constraint notices_unique unique (user_id, digest),
  constraint notices_kind_known check (
    kind in ('template_status', 'template_quality', 'number_quality', 'account', 'reach', 'alert'))
);
comment on table drip.notices is
  'What providers said of templates, numbers and accounts; provider_notices shows it.';
comment on column drip.notices.digest is 'Tells a notice that comes twice.';
create index notices_subject_idx on drip.notices (user_id, kind, subject, occurred_at);

alter table drip.notices enable row level security;
create policy notices_of_caller on drip.notices using (
  user_id = any (array(select u.id from drip.users u)));
grant select on drip.notices to drip_view, drip_operator;
grant update (waba_ids) on drip.sender_accounts to drip_operator;
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(NOTICES)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
