"""Row-level policies and table rights: who sees which tenant.

The policies call no function of ours. The caller is the role that was set, else the session's,
which also holds inside definer functions and inside views. Operators and workers see every
tenant, other roles those of user_roles; drip.user narrows both.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

USERS_POLICY = """
alter table drip.users enable row level security;
create policy users_of_caller on drip.users using (
  (
    (select pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user),
                        'drip_operator', 'member')
         or pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user),
                        'drip_worker', 'member'))
    or id in (
      select ur.user_id
      from drip.user_roles ur
      join pg_catalog.pg_roles r on r.rolname = ur.role_name
      where pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user),
                        r.oid, 'member'))
  )
  and (
    coalesce(current_setting('drip.user', true), '') = ''
    or current_setting('drip.user', true) in (id::text, name)
  )
);
"""

TENANT_TABLES = """
select c.relname
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
where n.nspname = 'drip' and c.relkind = 'r' and c.relname not in ('user_roles')
order by c.relname
"""

# Rows of these tables without a tenant hold for every tenant.
SHARED_ROWS = {"stop_words", "greetings", "audiences"}

SETTINGS = """
select c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where n.nspname = 'drip' and c.relkind = 'r'
  and col_description(c.oid, a.attnum) like '[setting]%'
group by c.relname
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    driver.execute(USERS_POLICY)
    for (table,) in driver.execute(TENANT_TABLES).fetchall():
        shared = "user_id is null or " if table in SHARED_ROWS else ""
        driver.execute(
            f"alter table drip.{table} enable row level security;"
            f"create policy {table}_of_caller on drip.{table} using ("
            f"{shared}user_id = any (array(select u.id from drip.users u)));"
        )
    driver.execute(
        "grant usage on schema drip to drip_reader, drip_app, drip_worker, drip_operator,"
        " drip_pii, drip_guard, drip_view;"
        "grant select on all tables in schema drip to drip_view, drip_operator;"
        "revoke all on drip.private_settings from drip_view, drip_operator;"
    )
    # Its functions run with the caller's rights; only the worker defers and fetches jobs.
    driver.execute(
        "grant usage on schema procrastinate to drip_worker;"
        "grant select, insert, update, delete on all tables in schema procrastinate to drip_worker;"
        "grant usage on all sequences in schema procrastinate to drip_worker;"
        "grant execute on all functions in schema procrastinate to drip_worker;"
    )
    for table, columns in driver.execute(SETTINGS).fetchall():
        driver.execute(f"grant update ({columns}) on drip.{table} to drip_operator")
    driver.execute(
        "grant insert, update, delete on drip.error_codes, drip.greetings, drip.stop_words"
        " to drip_operator"
    )


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
