"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from pgdrip.schema import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say in one line what this revision adds to the tables."""
    run_script(
        """
        """
    )
