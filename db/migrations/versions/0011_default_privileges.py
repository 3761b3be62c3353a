"""The host application's own functions get back the rights that Postgres gives new functions.

Earlier versions took `execute` on every new function of the deploying role from public, in all
schemas. Only a database that such a version has migrated is changed, and only a default that says
exactly that: where an administrator had set the same, nobody can tell, and it is to be set again.

Revision ID: 0011
Revises: 0010
"""

from psycopg import sql

from pgdrip.schema import raw_connection, run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A fresh installation notes its parts in this very transaction.
OURS = """
select r.rolname
from pg_catalog.pg_default_acl as d
join pg_catalog.pg_roles as r on r.oid = d.defaclrole
where d.defaclnamespace = 0
  and d.defaclobjtype = 'f'
  and d.defaclacl = array[pg_catalog.makeaclitem(r.oid, r.oid, 'EXECUTE', false)]
  and (r.rolname = current_user
    or r.oid = (
      select n.nspowner from pg_catalog.pg_namespace as n where n.nspname = 'drip'))
  and pg_catalog.pg_has_role(r.oid, 'member')
  and exists (
    select from drip.installed_parts as i where i.installed_at < pg_catalog.now())
"""

RECORD = """
comment on table drip.code_objects is
  'What the last migration made from files; one row per object.';
comment on column drip.code_objects.kind is 'function, view, policy or trigger.';
comment on column drip.code_objects.file is 'The file below db/ that defines it.';
comment on column drip.code_objects.checksum is 'SHA-256 of the file.';
"""


def upgrade() -> None:
    """Take back the default, role by role; the record no longer holds what revisions make."""
    run_script(RECORD)
    conn = raw_connection()
    for (role,) in conn.execute(OURS).fetchall():
        conn.execute(
            sql.SQL(
                "alter default privileges for role {} grant execute on functions to public"
            ).format(sql.Identifier(str(role)))
        )


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
