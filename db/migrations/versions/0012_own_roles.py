"""No tenant is given to a role of pgdrip itself: every application would have it.

assign_role() refuses that from this version on. What was given before is taken off, and a line of
the audit log says so for each.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROLES = r"""
with taken as (
  delete from drip.user_roles ur
  where ur.role_name in (
    'drip_app', 'drip_guard', 'drip_operator', 'drip_pii', 'drip_reader', 'drip_view',
    'drip_worker')
    or starts_with(ur.role_name, 'pg_')
  returning ur.role_name, ur.user_id
)
insert into drip.audit_log (
  at, user_id, session_user_name, action, subject_kind, subject_id, reason, details)
select
  pg_catalog.now(), t.user_id, 'system', 'revoke_role', 'user', t.user_id,
  'every application would have the tenant: assign roles of your own',
  jsonb_build_object('role', t.role_name)
from taken t;
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(ROLES)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
