"""The audit log: the role that was set, and which transaction may still say why.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AUDIT = r"""
alter table drip.audit_log
  add column role_name text,
  add column edited_in xid8;
comment on table drip.audit_log is
  'Who changed what, when and why: verbs, and edits of settings and statuses by whatever means.';
comment on column drip.audit_log.user_id is 'The tenant; null = all of them.';
comment on column drip.audit_log.session_user_name is
  'The login; system where the system did it by itself.';
comment on column drip.audit_log.role_name is 'The role that the session had set; null = none.';
comment on column drip.audit_log.action is
  'The verb; edit_…, add_… or remove_… where rows were written by hand.';
comment on column drip.audit_log.details is
  'changes: {column: {from, to}} of settings and status, and what the verb adds to it.';
comment on column drip.audit_log.edited_in is
  'The transaction of an edit, whose verb may still say its name and its reason; null = it has.';
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(AUDIT)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
