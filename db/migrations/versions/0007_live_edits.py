"""Edits of a live sequence: steps that were taken out stay as the history of what was sent.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STEPS = r"""
alter table drip.sequence_steps add column retired_at timestamptz;
comment on column drip.sequence_steps.retired_at is
  'When an edit took the step out; it stays because messages were planned from it.';
-- Positions and names are unique among the steps that are in use. No longer deferrable: who moves
-- steps moves them out of the way first.
-- squawk-ignore ban-drop-constraint
alter table drip.sequence_steps drop constraint sequence_steps_position_unique;
-- squawk-ignore ban-drop-constraint
alter table drip.sequence_steps drop constraint sequence_steps_name_unique;
create unique index sequence_steps_position_unique
  on drip.sequence_steps (sequence_id, day_number) where retired_at is null;
create unique index sequence_steps_name_unique
  on drip.sequence_steps (sequence_id, name) where retired_at is null;
create index sequence_steps_sequence_idx on drip.sequence_steps (sequence_id, day_number);

alter table drip.sequences add column steps_edited_at timestamptz;
comment on column drip.sequences.steps_edited_at is
  'When steps were last added, moved or taken out while journeys were planned; null = never.';
alter table drip.sequence_contacts add column starts_at timestamptz;
comment on column drip.sequence_contacts.starts_at is
  'The instant from which the journey''s times count; null for those of older versions.';
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(STEPS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
