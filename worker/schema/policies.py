"""Row-level policies: made again where a restore with `--no-policies` has lost them.

Revisions make them, and a revision does not run twice. tests/security/test_restore.py compares
with a fresh installation.
"""

from __future__ import annotations

from psycopg import sql

from .catalog import Connection

_OWN = "user_id = any (array(select u.id from drip.users u))"
_OWN_OR_SHARED = f"user_id is null or {_OWN}"
_CALLER = "coalesce(nullif(current_setting('role'), 'none'), session_user)"
_BOUND = "= all (array(select b.only_user from drip.bound_tenants b))"

# (policy, table): what stands behind `create policy … on …`.
_OTHERS = {
    ("dead_letters_of_caller", "dead_letters"): f"""using (
      {_OWN}
      or user_id is null and (
        select coalesce(current_setting('drip.user', true), '') = ''
          and pg_has_role({_CALLER}, 'drip_operator', 'member')))""",
    ("user_roles_of_bound_tenant", "user_roles"): f"using (user_id {_BOUND})",
    ("users_of_bound_tenant", "users"): f"as restrictive using (id {_BOUND})",
    ("users_of_caller", "users"): f"""using (
      (
        (select pg_has_role({_CALLER}, 'drip_operator', 'member')
            or pg_has_role({_CALLER}, 'drip_worker', 'member'))
        or id in (
          select ur.user_id
          from drip.user_roles ur
          join pg_catalog.pg_roles r on r.rolname = ur.role_name
          where pg_has_role({_CALLER}, r.oid, 'member'))
      )
      and (
        coalesce(current_setting('drip.user', true), '') = ''
        or current_setting('drip.user', true) in (id::text, name)))""",  # noqa: S608
}
_SHARED_TABLES = ("audiences", "greetings", "guards", "stop_words")
_TENANT_TABLES = (
    "audit_log",
    "broadcast_messages",
    "campaign_audience",
    "campaigns",
    "device_pacing",
    "device_receipts",
    "inbound_messages",
    "lead_aliases",
    "leads",
    "message_attempts",
    "notices",
    "program_results",
    "receipts",
    "sender_accounts",
    "sequence_contacts",
    "sequence_steps",
    "sequences",
    "service_windows",
    "subscriptions",
    "suppressions",
    "user_devices",
)
POLICIES = {
    **{(f"{table}_of_caller", table): f"using ({_OWN})" for table in _TENANT_TABLES},
    **{(f"{table}_of_caller", table): f"using ({_OWN_OR_SHARED})" for table in _SHARED_TABLES},
    **_OTHERS,
}

_HELD = """
select p.polname::text, c.relname::text
from pg_policy as p
join pg_class as c on c.oid = p.polrelid
where c.relnamespace = to_regnamespace('drip')
"""

_TABLES = """
select c.relname::text
from pg_class as c
where c.relnamespace = to_regnamespace('drip') and c.relkind = 'r'
"""

_OPEN = """
select c.relname::text
from pg_class as c
where c.relnamespace = to_regnamespace('drip') and c.relkind = 'r' and not c.relrowsecurity
"""


def put_policies(conn: Connection) -> int:
    """Make what is missing; how many policies and tables that were.

    A table that is not there has none: its revision, which is to come, makes both.
    """
    held = {tuple(map(str, row)) for row in conn.execute(_HELD)}
    there = {str(table) for (table,) in conn.execute(_TABLES)}
    missing = [
        (name, table) for name, table in POLICIES if (name, table) not in held and table in there
    ]
    for name, table in missing:
        conn.execute(
            sql.SQL("create policy {} on drip.{} ").format(
                sql.Identifier(name), sql.Identifier(table)
            )
            + sql.SQL(POLICIES[name, table])
        )
    guarded = {table for _, table in POLICIES}
    unguarded = [str(table) for (table,) in conn.execute(_OPEN) if table in guarded]
    for table in unguarded:
        conn.execute(
            sql.SQL("alter table drip.{} enable row level security").format(sql.Identifier(table))
        )
    return len(missing) + len(unguarded)
