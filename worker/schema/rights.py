"""Rights on what belongs to us: given where they are missing, at the end of every migration.

Functions and views carry their grants in their own files. The rights on schemas and tables, and on
the two libraries' objects, stand here and not in revisions, because a dump that was restored with
`--no-acl` has lost them, and a revision does not run twice. Postgres lets everybody execute a new
function: that is taken back from each of ours in the transaction that makes it. Nothing outside
our schemas is touched, and what somebody granted beyond this stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from .catalog import Connection
from .roles import ROLES

# Tables that nobody reads but functions of ours.
PRIVATE_TABLES = frozenset({"lock_rows", "private_settings"})
# Views read the others as drip_view, below the row-level policies; operators read them as they are.
READABLE_TABLES = frozenset(
    {
        "account_reach",
        "alembic_version",
        "audiences",
        "audit_log",
        "bound_tenants",
        "broadcast_messages",
        "calling_codes",
        "campaign_audience",
        "campaigns",
        "code_objects",
        "courtesy_words",
        "dead_letters",
        "device_pacing",
        "device_receipts",
        "error_codes",
        "greetings",
        "guards",
        "inbound_messages",
        "installed_parts",
        "lead_aliases",
        "leads",
        "message_attempts",
        "notices",
        "phone_spellings",
        "program_results",
        "receipts",
        "regions",
        "sender_accounts",
        "sequence_contacts",
        "sequence_steps",
        "sequences",
        "service_windows",
        "stop_words",
        "subscriptions",
        "suppressions",
        "sync_backlog",
        "task_runs",
        "text_limits",
        "user_devices",
        "user_roles",
        "users",
        "waiting_events",
        "workers",
    }
)
# Facts that operators keep themselves.
KEPT_BY_OPERATORS = frozenset({"error_codes", "greetings", "stop_words"})
# A guard is given two ids: with these it finds the contact in the application's own tables.
GUARD_COLUMNS = {
    "bound_tenants": ("only_user",),
    "users": ("id", "name"),
    "user_roles": ("role_name", "user_id"),
    "leads": (
        "id",
        "user_id",
        "external_id",
        "phone",
        "name",
        "niche",
        "trigger",
        "target_status",
        "time_zone",
        "language",
        "attributes",
        "last_inbound_at",
        "created_at",
    ),
    "sequence_contacts": (
        "id",
        "user_id",
        "sequence_id",
        "lead_id",
        "key",
        "attributes",
        "status",
        "enrolled_at",
    ),
}

# (role, privilege, kind, object, column): column is empty for the whole object.
Right = tuple[str, str, str, str, str]

_COLUMNS = """
select c.relname::text, a.attname::text
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = to_regnamespace('drip') and c.relkind = 'r'
"""

_SETTINGS = """
select c.relname::text, a.attname::text
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = to_regnamespace('drip')
  and c.relkind = 'r'
  and col_description(c.oid, a.attnum) like '[setting]%'
"""

# Procrastinate's functions run with the caller's rights; only the worker defers and fetches jobs.
_JOBS = """
select 'usage', 'schema', n.nspname::text
from pg_namespace as n
where n.nspname = 'procrastinate'
union all
select p.privilege, 'table', c.oid::regclass::text
from pg_class as c
cross join unnest(array['select', 'insert', 'update', 'delete']) as p(privilege)
where c.relnamespace = to_regnamespace('procrastinate') and c.relkind in ('r', 'p', 'v')
union all
select 'usage', 'sequence', c.oid::regclass::text
from pg_class as c
where c.relnamespace = to_regnamespace('procrastinate') and c.relkind = 'S'
union all
select 'execute', 'routine', f.oid::regprocedure::text
from pg_proc as f
where f.pronamespace = to_regnamespace('procrastinate') and f.prokind in ('f', 'p')
"""

_HELD = """
select r.rolname::text, lower(a.privilege_type), x.kind, x.name, x.column_name
from (
  select 'schema', n.nspname::text, '', coalesce(n.nspacl, acldefault('n', n.nspowner))
  from pg_namespace as n
  where n.nspname in ('drip', 'procrastinate')
  union all
  select case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass::text, '',
    c.relacl
  from pg_class as c
  where c.relnamespace in (to_regnamespace('drip'), to_regnamespace('procrastinate'))
  union all
  select 'table', c.oid::regclass::text, a.attname::text, a.attacl
  from pg_attribute as a
  join pg_class as c on c.oid = a.attrelid
  where c.relnamespace = to_regnamespace('drip') and a.attacl is not null
  union all
  select 'routine', f.oid::regprocedure::text, '', f.proacl
  from pg_proc as f
  where f.pronamespace = to_regnamespace('procrastinate')
) as x(kind, name, column_name, acl)
cross join aclexplode(x.acl) as a
join pg_roles as r on r.oid = a.grantee
"""

_OPEN_FUNCTIONS = """
select f.oid::regprocedure::text
from pg_proc as f
join pg_namespace as n on n.oid = f.pronamespace
where (
    n.nspname = 'drip'
    -- what was there before us, or belongs to an extension, is not ours to close
    or exists (
      select from drip.installed_parts as i where i.name = n.nspname and i.how = 'library')
  )
  and exists (
    select from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
    where a.grantee = 0
  )
  and pg_has_role(f.proowner, 'usage')
  and not exists (
    select from pg_depend as d
    where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e'
  )
order by 1
"""


# What the connected role has made in schemas that belong to another, who can have it. Indexes, row
# types and the sequences of columns go with their tables; members of an extension stay with it.
_MADE_BY_ANOTHER = """
select o.kind, o.identity, pg_get_userbyid(n.nspowner)::text
from pg_namespace as n
cross join lateral (
  select 'routine', p.oid::regprocedure::text
  from pg_proc as p
  where p.pronamespace = n.oid and p.proowner = current_user::regrole
    and not exists (
      select from pg_depend as d
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    )
  union all
  select 'view', c.oid::regclass::text
  from pg_class as c
  where c.relnamespace = n.oid and c.relkind = 'v' and c.relowner = current_user::regrole
  union all
  select case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass::text
  from pg_class as c
  where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'S')
    and c.relowner = current_user::regrole
    and not exists (
      select from pg_depend as d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid
        and (d.deptype = 'e' or (c.relkind = 'S' and d.deptype in ('a', 'i')))
    )
  union all
  select 'type', t.oid::regtype::text
  from pg_type as t
  left join pg_class as c on c.oid = t.typrelid
  where t.typnamespace = n.oid and t.typowner = current_user::regrole
    and (t.typtype in ('d', 'e') or c.relkind = 'c')
) as o (kind, identity)
where n.nspname in ('drip', 'pgmq', 'procrastinate')
  and n.nspowner <> current_user::regrole
  and pg_has_role(n.nspowner, 'drip_view', 'usage')
  and pg_has_role(n.nspowner, 'drip_guard', 'usage')
"""


def give_to_owner(conn: Connection) -> None:
    """Give what a superuser has made to the schema's owner, as in an installation of theirs.

    The search_path must be empty.
    """
    for kind, identity, owner in conn.execute(_MADE_BY_ANOTHER).fetchall():
        conn.execute(
            sql.SQL("alter {} {} owner to {}").format(
                sql.SQL(str(kind)), sql.SQL(str(identity)), sql.Identifier(str(owner))
            )
        )


def put_rights(conn: Connection) -> int:
    """Take our functions from public and give what is missing; how many rights that were.

    The search_path must be empty. Writes nothing where all is as it should be.
    """
    there = conn.execute("select to_regclass('drip.installed_parts') is not null").fetchone()
    if there is None or not there[0]:
        return 0
    taken = [str(name) for (name,) in conn.execute(_OPEN_FUNCTIONS)]
    if taken:
        conn.execute(f"revoke execute on routine {', '.join(taken)} from public".encode())
    held = {tuple(map(str, row)) for row in conn.execute(_HELD)}
    missing = [right for right in _wanted(conn) if right not in held]
    grants: dict[tuple[str, str, str], list[str]] = {}
    for role, privilege, kind, name, column in missing:
        what = f"{privilege} ({_quoted(conn, column)})" if column else privilege
        grants.setdefault((kind, name, role), []).append(what)
    for (kind, name, role), privileges in grants.items():
        conn.execute(f"grant {', '.join(privileges)} on {kind} {name} to {role}".encode())
    return len(taken) + len(missing)


def _wanted(conn: Connection) -> Iterator[Right]:
    columns: dict[str, set[str]] = {}
    for table, column in conn.execute(_COLUMNS):
        columns.setdefault(str(table), set()).add(str(column))
    tables = columns.keys()
    for role in ROLES:
        yield role, "usage", "schema", "drip", ""
    for table in sorted(READABLE_TABLES & tables):
        for role in ("drip_view", "drip_operator"):
            yield role, "select", "table", f"drip.{table}", ""
    for table in sorted(KEPT_BY_OPERATORS & tables):
        for privilege in ("insert", "update", "delete"):
            yield "drip_operator", privilege, "table", f"drip.{table}", ""
    for setting in conn.execute(_SETTINGS).fetchall():
        yield "drip_operator", "update", "table", f"drip.{setting[0]}", str(setting[1])
    for table in sorted(GUARD_COLUMNS.keys() & tables):
        for name in GUARD_COLUMNS[table]:
            if name in columns[table]:
                yield "drip_guard", "select", "table", f"drip.{table}", name
    for job in conn.execute(_JOBS).fetchall():
        yield "drip_worker", str(job[0]), str(job[1]), str(job[2]), ""


def _quoted(conn: Connection, name: str) -> str:
    row = conn.execute("select quote_ident(%s)", (name,)).fetchone()
    return str(row[0]) if row else name
