"""A migration gives and takes rights on what is ours, function by function, and on nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from pgdrip.schema import catalog, drift, migrate
from pgdrip.schema.policies import POLICIES
from pgdrip.schema.rights import PRIVATE_TABLES, READABLE_TABLES

CreateDatabase = Callable[..., tuple[str, Callable[[], None]]]

# What Postgres gives everybody: a function of ours is to have lost it.
OPEN = """
select f.oid::regprocedure::text
from pg_proc as f
where f.pronamespace in (
    to_regnamespace('drip'), to_regnamespace('pgmq'), to_regnamespace('procrastinate'))
  and has_function_privilege('public', f.oid, 'execute')
"""
DEFAULTS = "select d.defaclacl::text from pg_default_acl as d where d.defaclnamespace = 0"
HARDENED = "alter default privileges revoke execute on functions from public"
# As `pg_restore --no-acl` leaves it.
WITHOUT_RIGHTS = """
do $$
declare
  v_schema text;
begin
  foreach v_schema in array array['drip', 'pgmq', 'procrastinate'] loop
    execute format('revoke all on schema %I from drip_reader, drip_app, drip_worker,
      drip_operator, drip_pii, drip_guard, drip_view, public', v_schema);
    execute format('revoke all on all tables in schema %I from drip_reader, drip_app,
      drip_worker, drip_operator, drip_pii, drip_guard, public', v_schema);
    execute format('revoke all on all sequences in schema %I from drip_worker', v_schema);
    execute format('revoke all on all routines in schema %I from drip_reader, drip_app,
      drip_worker, drip_operator, drip_pii, drip_guard', v_schema);
    execute format('grant execute on all routines in schema %I to public', v_schema);
  end loop;
end
$$;
"""


def rights_of(dsn: str) -> dict[tuple[str, ...], str]:
    """All rights on ours that a migration decides about."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("set search_path = pg_catalog, pg_temp")
        found = {
            ("drip", *key): f"{item.owner} {item.rights}"
            for key, item in catalog.snapshot(conn).items()
        }
        for kind, name, acl in conn.execute(
            """
            select 'schema', n.nspname::text, array(
              select a::text from unnest(n.nspacl) as a order by 1)::text
            from pg_namespace as n where n.nspname in ('drip', 'procrastinate')
            union all
            select 'relation', c.oid::regclass::text, array(
              select a::text from unnest(c.relacl) as a order by 1)::text
            from pg_class as c
            where c.relnamespace = 'procrastinate'::regnamespace and c.relkind in ('r', 'S')
            union all
            select 'routine', f.oid::regprocedure::text, array(
              select a::text from unnest(f.proacl) as a order by 1)::text
            from pg_proc as f
            where f.pronamespace in ('procrastinate'::regnamespace, 'pgmq'::regnamespace)
            """
        ):
            found[(str(kind), str(name))] = str(acl)
        return found


def test_functions_of_the_host_application_keep_their_rights(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("create schema shop")
        conn.execute("create function shop.f() returns int language sql as 'select 1'")
        row = conn.execute("select has_function_privilege('public', 'shop.f()', 'execute')")
        assert row.fetchone() == (True,)
        assert conn.execute(DEFAULTS).fetchall() == []


def test_no_function_of_ours_is_open(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert conn.execute(OPEN).fetchall() == []


def test_nobody_sees_an_open_function_while_a_migration_runs(empty_dsn: str) -> None:
    done = threading.Event()
    seen: set[str] = set()
    looks = 0

    def watch() -> None:
        nonlocal looks
        with psycopg.connect(empty_dsn, autocommit=True) as conn:
            while not done.is_set():
                seen.update(str(name) for (name,) in conn.execute(OPEN))
                looks += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        migrate(empty_dsn)
    finally:
        done.set()
        watcher.join()
    assert looks > 1
    assert seen == set()


def test_an_administrators_own_default_stays(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(HARDENED)
        before = conn.execute(DEFAULTS).fetchall()
        assert before
        migrate(empty_dsn)
        assert conn.execute(DEFAULTS).fetchall() == before


@pytest.mark.parametrize(
    ("default", "stays"),
    [
        (HARDENED, False),
        (f"{HARDENED}; alter default privileges grant execute on functions to drip_app", True),
    ],
)
def test_the_default_of_an_earlier_version_is_taken_back(
    empty_dsn: str, default: str, *, stays: bool
) -> None:
    """Only if it is exactly that one."""
    migrate(empty_dsn, "0008")
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(default.encode())
        migrate(empty_dsn)
        assert bool(conn.execute(DEFAULTS).fetchall()) is stays
        conn.execute(HARDENED)
        migrate(empty_dsn)
        assert conn.execute(DEFAULTS).fetchall(), "set again by an administrator"


def test_lost_rights_come_back(dsn: str) -> None:
    before = rights_of(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(WITHOUT_RIGHTS)
        assert len(conn.execute(OPEN).fetchall()) > 400
    report = migrate(dsn)
    assert report.rights > 0
    assert rights_of(dsn) == before
    assert drift(dsn) == []
    assert not migrate(dsn).changed


def test_rights_alone_are_put_right_too(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("revoke usage on schema drip from drip_app")
        conn.execute("revoke update (send_from) on drip.users from drip_operator")
    assert migrate(dsn).summary().startswith("2 rights were missing or open to everybody")


def test_what_somebody_granted_beyond_stays(dsn: str, admin: psycopg.Connection[object]) -> None:
    role = "analyst_of_rights"
    name = sql.Identifier(role)
    admin.execute(sql.SQL("create role {}").format(name))
    try:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(sql.SQL("grant select on drip.leads to {}").format(name))
            assert not migrate(dsn).changed
            row = conn.execute("select has_table_privilege(%s, 'drip.leads', 'select')", [role])
            assert row.fetchone() == (True,)
            conn.execute(sql.SQL("drop owned by {}").format(name))
    finally:
        admin.execute(sql.SQL("drop role {}").format(name))


def test_every_table_is_private_or_readable(dsn: str) -> None:
    """worker/schema/rights.py decides a table's place: a restore may lose what a revision gave."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        tables = conn.execute(
            "select c.relname from pg_class as c"
            " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'"
        ).fetchall()
    assert {name for (name,) in tables} == READABLE_TABLES | PRIVATE_TABLES


def test_every_policy_can_be_made_again(dsn: str) -> None:
    """worker/schema/policies.py knows those of the revisions: a restore may lose them."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        policies = conn.execute(
            "select p.polname::text, p.polrelid::regclass::text from pg_policy as p"
            " join pg_class as c on c.oid = p.polrelid"
            " where c.relnamespace = 'drip'::regnamespace"
        ).fetchall()
    assert {(name, table.removeprefix("drip.")) for name, table in policies} == POLICIES.keys()
