"""The audit log finds the edits of a transaction by it, however long the history of an object is.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Small: what a verb or the system did loses the number of its transaction.
EDITS = r"""
create index audit_log_edits_idx on drip.audit_log (edited_in) where edited_in is not null;
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(EDITS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
