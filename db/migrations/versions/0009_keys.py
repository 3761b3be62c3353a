"""Keys of the tables that had none, so that a publication of everything may contain them.

PostgreSQL refuses to update or delete rows of a published table that has no replica identity.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEYS = r"""
-- A campaign or a sequence is in its key, the other of the two is null: no primary key of its own.
-- It holds two days of counts, so that the rewrite is short.
-- squawk-ignore adding-field-with-default, adding-serial-primary-key-field
alter table drip.program_results add column id bigint generated always as identity primary key;
comment on column drip.program_results.id is
  'Key for change capture; campaign_id, sequence_id, on_day and slot are what is unique.';

-- Children have keys of their own, which the parent cannot have: it has no column for one.
alter table drip.waiting_events replica identity full;
comment on table drip.waiting_events is
  'Parent of the queues of events: what no application has acked yet. Holds no row itself, so that
   its replica identity, the full row, costs nothing.';
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(KEYS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
