"""The database roles of pgdrip, which belong to the cluster and not to one database."""

from __future__ import annotations

import random
import time

import psycopg
from psycopg import sql

from ..errors import PgdripError
from ..server_log import grant_to_roles

# drip_view owns the views and is subject to the row-level policies; drip_guard owns guards.
ROLES: dict[str, str] = {
    "drip_reader": "pgdrip: reads the views",
    "drip_pii": "pgdrip: sees phone numbers unmasked",
    "drip_app": "pgdrip: an application, calls the verbs",
    "drip_worker": "pgdrip: the worker, claims messages and records results",
    "drip_operator": "pgdrip: operates devices, users, messages",
    "drip_guard": "pgdrip: owns guards and audiences; reads what an operator grants it",
    "drip_view": "pgdrip: owns the views, subject to the row-level policies",
}

# (role, member): the member inherits what the role may.
MEMBERSHIPS: tuple[tuple[str, str], ...] = (
    ("drip_reader", "drip_app"),
    ("drip_reader", "drip_operator"),
    ("drip_app", "drip_operator"),
    ("drip_pii", "drip_operator"),
    ("drip_worker", "drip_operator"),
)

# What a deploying role that is no superuser must be a member of, to own views and guards in turn.
DEPLOYER_ROLES = ("drip_operator", "drip_view", "drip_guard")

_ATTEMPTS = 20
# Another installer, in this database or in another one of the cluster, was at the same row.
_RACES = (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateObject)

_MISSING_ROLES = """
select w.name
from unnest(%s::text[]) as w(name)
where not exists (select from pg_catalog.pg_roles as r where r.rolname = w.name)
"""

# to_jsonb reads the two options where the server has them: from PostgreSQL 16 on a membership
# may come without inherit or set.
_MISSING_MEMBERSHIPS = """
select w.role, w.member
from unnest(%s::text[], %s::text[]) as w(role, member)
where not exists (
  select
  from pg_catalog.pg_auth_members as m
  join pg_catalog.pg_roles as r on r.oid = m.roleid
  join pg_catalog.pg_roles as k on k.oid = m.member
  where r.rolname = w.role
    and k.rolname = w.member
    and coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
    and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
)
"""


def ensure_roles(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Create the roles and memberships that are missing; the names of what was made.

    `conn` must be in autocommit mode: this is a short transaction of its own, because roles are
    global, and two installers (in two databases, even) would otherwise wait for each other's
    whole installation. Raises PgdripError when the connected role may not do it.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with conn.transaction():
                return _make_missing(conn)
        except _RACES:
            pass
        except psycopg.errors.InternalError_ as exc:
            if "concurrently" not in str(exc):
                raise
        except psycopg.errors.InsufficientPrivilege as exc:
            raise _not_allowed(conn, exc) from exc
        time.sleep(random.uniform(0.01, 0.05) * min(attempt + 1, 5))  # noqa: S311
    raise PgdripError(
        "The roles could not be created: another installer was always faster.",
        hint="Run `pgdrip migrate` again.",
    )


def take_temporary(conn: psycopg.Connection[tuple[object, ...]]) -> tuple[str, ...]:
    """Take temporary tables in this database from `public`; sentences about it, for people.

    No function of ours uses one, and whoever may make one may put types and tables of its own
    beside ours. Without rights on the database it is left to an administrator. In `conn`'s
    transaction.
    """
    row = conn.execute(_TEMPORARY).fetchone()
    if row is None:
        return ()
    database = sql.Identifier(str(row[0])).as_string(conn)
    statement = f"revoke temporary on database {database} from public"
    if not row[1]:
        return (
            f"Everybody may create temporary tables in {database}; its owner takes that back by"
            f" `{statement}`, since this role may not.",
        )
    conn.execute(statement.encode())
    return (
        f"Temporary tables in {database} are no longer for everybody; who needs them gets them by"
        f" `grant temporary on database {database} to its_role`.",
    )


# A row where public may, and whether the current role may take it back.
_TEMPORARY = """
select d.datname, pg_has_role(d.datdba, 'usage')
from pg_database as d
cross join aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
where d.datname = current_database()
  and a.grantee = 0
  and a.privilege_type = 'TEMPORARY'
"""


def is_superuser(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether the connected role is a superuser."""
    row = conn.execute("select current_setting('is_superuser') = 'on'").fetchone()
    return row is not None and bool(row[0])


def _make_missing(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    made: list[str] = []
    for (name,) in conn.execute(_MISSING_ROLES, (list(ROLES),)).fetchall():
        role = str(name)
        conn.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        conn.execute(sql.SQL("comment on role {} is {}").format(sql.Identifier(role), ROLES[role]))
        made.append(role)
    wanted = list(MEMBERSHIPS)
    if not is_superuser(conn):
        current = conn.execute("select current_user").fetchone()
        wanted += [(role, str(current[0]) if current else "") for role in DEPLOYER_ROLES]
    options = " with inherit true, set true" if conn.info.server_version >= 160000 else ""
    grant = sql.SQL("grant {} to {}" + options)
    pairs = ([role for role, _ in wanted], [member for _, member in wanted])
    for pair in conn.execute(_MISSING_MEMBERSHIPS, pairs).fetchall():
        role, member = str(pair[0]), str(pair[1])
        conn.execute(grant.format(sql.Identifier(role), sql.Identifier(member)))
        made.append(f"{role} to {member}")
    if is_superuser(conn):
        grant_to_roles(conn)
    return made


def _not_allowed(conn: psycopg.Connection[tuple[object, ...]], exc: psycopg.Error) -> PgdripError:
    row = conn.execute("select current_user").fetchone()
    user = sql.Identifier(str(row[0]) if row else "").as_string(conn)
    return PgdripError(
        f"The role {user} may not create pgdrip's roles or join them: {exc.diag.message_primary}.",
        hint="Run `pgdrip migrate` once as a superuser or as a role with createrole; then"
        f" `grant {', '.join(DEPLOYER_ROLES)} to {user}`.",
        code=exc.sqlstate,
    )
