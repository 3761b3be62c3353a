"""Parked receipts: one of each sender, since another account's must not take the place of its own.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

RECEIPTS = r"""
drop index drip.receipts_once;
-- squawk-ignore disallowed-unique-constraint
create unique index receipts_once
  on drip.receipts (user_id, device_id, provider_message_id, kind) nulls not distinct;
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(RECEIPTS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
