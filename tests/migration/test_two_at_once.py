"""Several installers at once: in one database, and in two databases of one cluster."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from code_tree import Tree, function

from pgdrip.schema import db_dir, drift, migrate
from pgdrip.schema.roles import DEPLOYER_ROLES, MEMBERSHIPS, ROLES, ensure_roles


def test_two_in_one_database(empty_dsn: str) -> None:
    gate = threading.Barrier(3)

    def install() -> tuple[str, ...]:
        gate.wait()
        return migrate(empty_dsn).revisions

    with ThreadPoolExecutor(3) as pool:
        done = [job.result() for job in [pool.submit(install) for _ in range(3)]]
    assert sorted(map(bool, done)) == [False, False, True]
    assert drift(empty_dsn) == []


def test_second_waits_and_finds_nothing_to_do(tree: Tree) -> None:
    tree.write("functions/core/f.sql", function("f"))
    with psycopg.connect(tree.dsn) as first, ThreadPoolExecutor(1) as pool:
        first.execute("lock table drip.alembic_version in share row exclusive mode")
        second = pool.submit(tree.migrate)
        while not tree.rows(
            "select from pg_locks l join pg_database d on d.oid = l.database"
            " where l.relation = 'drip.alembic_version'::regclass and not l.granted"
            " and d.datname = current_database()"
        ):
            assert not second.done()
        first.rollback()
        assert second.result().created == ("drip.f()",)


def test_new_cluster_two_databases_four_installers(
    new_cluster: Callable[[str], str], small_folder: Path
) -> None:
    urls = [new_cluster("first"), new_cluster("second")]
    program = (
        "import pathlib, sys; from pgdrip.schema import migrate; print('ready', flush=True);"
        " sys.stdin.readline();"
        " print(migrate(sys.argv[1], folder=pathlib.Path(sys.argv[2])).changed)"
    )
    installers = [
        subprocess.Popen(
            [sys.executable, "-c", program, url, str(small_folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for url in urls * 2
    ]
    for installer in installers:
        assert installer.stdout is not None
        assert installer.stdout.readline() == "ready\n"
    for installer in installers:
        assert installer.stdin is not None
        installer.stdin.write("\n")
        installer.stdin.flush()
    changed = [installer.communicate(timeout=300)[0].strip() for installer in installers]
    assert sorted(changed) == ["False", "False", "True", "True"]
    with psycopg.connect(urls[0], autocommit=True) as conn:
        found = conn.execute(
            "select rolname, rolcanlogin from pg_roles where rolname like 'drip%' order by 1"
        ).fetchall()
        assert found == [(role, False) for role in sorted(ROLES)]
        for role, member in MEMBERSHIPS:
            row = conn.execute("select pg_has_role(%s, %s, 'usage')", (member, role)).fetchone()
            assert row == (True,), (role, member)


def test_deployer_without_superuser_rights(
    new_cluster: Callable[[str], str], tmp_path: Path
) -> None:
    """A role that may create roles and owns the database installs, patches and upgrades."""
    folder = shutil.copytree(db_dir(), tmp_path / "db")
    admin_url = new_cluster("deployed")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        # A cluster without pgdrip's roles: those that a test before made would be another's.
        for (name,) in admin.execute("select datname from pg_database where datname <> 'deployed'"):
            if name in ("first", "second"):
                admin.execute(f"drop database {name}".encode())
        admin.execute("create role deployer login createrole")
        admin.execute("alter database deployed owner to deployer")
        for (role,) in admin.execute(
            "select rolname from pg_roles where rolname = any (%s)", [list(ROLES)]
        ).fetchall():
            # among what it owns is a right on a parameter, which belongs to the cluster
            admin.execute(f"drop owned by {role}; drop role {role}".encode())
    url = psycopg.conninfo.make_conninfo(admin_url, user="deployer")
    assert migrate(url, folder=folder).changed
    assert not migrate(url, folder=folder).changed
    assert drift(url, folder=folder) == []
    with psycopg.connect(url, autocommit=True) as conn:
        for role in DEPLOYER_ROLES:
            row = conn.execute("select pg_has_role(%s, 'usage')", (role,)).fetchone()
            assert row == (True,), role
        row = conn.execute(
            "select has_schema_privilege('drip_view', 'drip', 'create'),"
            " has_schema_privilege('drip_guard', 'drip', 'create')"
        ).fetchone()
        assert row == (False, False)
        patched = [
            name
            for (name,) in conn.execute(
                "select format('%I.%I', schemaname, viewname) from pg_views"
                " where schemaname = 'drip' and viewowner = 'drip_view' limit 1"
            )
        ]
        for name in patched:
            conn.execute(f"comment on view {name} is 'patched'".encode())
    assert set(patched) <= set(migrate(url, folder=folder).rebuilt)
    assert drift(url, folder=folder) == []


def test_roles_are_only_looked_at_when_they_are_there(admin: psycopg.Connection) -> None:
    ensure_roles(admin)
    assert ensure_roles(admin) == []
