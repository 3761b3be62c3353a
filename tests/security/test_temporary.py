"""`migrate` takes temporary tables from public, and says what it did or could not do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgdrip.schema import migrate
from pgdrip.schema.roles import DEPLOYER_ROLES

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]


@pytest.fixture
def deployer(admin: psycopg.Connection[Any], empty_dsn: str) -> Iterator[str]:
    """A role that may install into the empty database, and is neither superuser nor its owner."""
    name = f"pgdrip_test_{os.getpid()}_deployer"
    admin.execute(f"create role {name} login password 'x'".encode())
    admin.execute(f"grant {', '.join(DEPLOYER_ROLES)} to {name}".encode())
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        database = sql.Identifier(conn.info.dbname)
        conn.execute(
            sql.SQL("grant create on database {} to {}").format(database, sql.Identifier(name))
        )
        yield name
        conn.execute(sql.SQL("alter database {} owner to current_user").format(database))
        conn.execute(f"drop owned by {name} cascade".encode())
    admin.execute(f"drop role {name}".encode())


def everybody_may(url: str) -> bool:
    """Whether a role without any rights may create temporary tables."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "select exists (select from pg_database d"
            " cross join aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a"
            " where d.datname = current_database() and a.grantee = 0"
            " and a.privilege_type = 'TEMPORARY')"
        ).fetchone()
    assert row is not None
    return bool(row[0])


def test_it_is_taken_once_and_said(dsn: str) -> None:
    """The migration of the template took it; a clone has rights of its own."""
    assert everybody_may(dsn)
    [note] = migrate(dsn).notes
    assert "grant temporary on database" in note
    assert not everybody_may(dsn)
    assert migrate(dsn).notes == ()


def test_what_an_administrator_gives_back_is_taken_again_and_said(dsn: str) -> None:
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("grant temporary on database {} to public").format(
                sql.Identifier(conn.info.dbname)
            )
        )
        conn.execute(
            sql.SQL("grant temporary on database {} to drip_reader").format(
                sql.Identifier(conn.info.dbname)
            )
        )
    report = migrate(dsn)
    assert "no longer for everybody" in report.summary()
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "select has_database_privilege('drip_reader', current_database(), 'TEMPORARY')"
        ).fetchone()
    assert row == (True,), "what a role was given stays"


def test_an_owner_of_the_database_may(
    admin: psycopg.Connection[Any], empty_dsn: str, deployer: str
) -> None:
    with psycopg.connect(empty_dsn) as conn:
        admin.execute(
            sql.SQL("alter database {} owner to {}").format(
                sql.Identifier(conn.info.dbname), sql.Identifier(deployer)
            )
        )
    [note] = migrate(make_conninfo(empty_dsn, user=deployer, password="x")).notes
    assert "no longer for everybody" in note
    assert not everybody_may(empty_dsn)


def test_who_may_not_says_what_an_administrator_runs(empty_dsn: str, deployer: str) -> None:
    report = migrate(make_conninfo(empty_dsn, user=deployer, password="x"))
    [note] = report.notes
    assert note in report.summary()
    assert everybody_may(empty_dsn)
    statement = note.split("`")[1]
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(statement.encode())
    assert not everybody_may(empty_dsn)
    assert migrate(make_conninfo(empty_dsn, user=deployer, password="x")).notes == ()
