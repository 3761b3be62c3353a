"""pg_upgrade from the oldest servers to the newest: nothing differs, and all goes on."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from debian_server import PACKAGES
from filled import fill, views_of
from psycopg import sql
from psycopg.conninfo import make_conninfo
from scratch import server_folder

from pgdrip.schema import drift, migrate
from pgdrip.schema.embedded import _Place

NEW = 18
OWNER = "upgrade_owner"
READER = "upgrade_reader"
INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")


class Cluster:
    """A cluster of a server's version in a folder of its own."""

    def __init__(self, home: Path, version: int, programs: Path, account: dict[str, Any]) -> None:
        self.data = home / f"data{version}"
        self.programs = programs
        self._home = home
        self._account = account
        checksums = ["--no-data-checksums"] if version >= 18 else []  # as in older ones
        self.run("initdb", f"--pgdata={self.data}", *INITDB, *checksums)

    def run(self, program: str, *arguments: str) -> None:
        with (self._home / "programs.log").open("ab") as log:
            done = subprocess.run(
                [str(self.programs / program), *arguments],
                cwd=self.data.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                **self._account,
            )
        assert done.returncode == 0, (self._home / "programs.log").read_text(errors="replace")

    @contextmanager
    def running(self) -> Iterator[str]:
        """A superuser's connection string."""
        options = f"-c unix_socket_directories={self._home} -c listen_addresses= -c fsync=off"
        log = f"--log={self._home / 'server.log'}"
        self.run("pg_ctl", "start", "--wait", log, f"--pgdata={self.data}", f"--options={options}")
        try:
            yield make_conninfo("", host=str(self._home), port=5432, user="postgres")
        finally:
            self.run("pg_ctl", "stop", "--wait", "--mode=fast", f"--pgdata={self.data}")


@pytest.fixture
def clusters(server_url: str) -> Iterator[tuple[Cluster, Cluster]]:
    """The older one, of the version that tests run on or the oldest embedded one; and a new one."""
    with psycopg.connect(server_url) as conn:
        version = conn.info.server_version // 10000
    with server_folder() as home:
        place = _Place.of(home, NEW)
        place.find_data()
        account: dict[str, Any] = {}
        if place.account.uid is not None and place.account.gid is not None:
            os.chown(home, place.account.uid, place.account.gid)
            account = {
                "user": place.account.uid,
                "group": place.account.gid,
                "extra_groups": [],
                "umask": 0o077,
            }
        if version == NEW:
            version = 16
            programs = _Place.of(home, version)
            programs.find_data()
            folder = programs.binaries()
        else:
            folder = PACKAGES / str(version) / "bin"
        yield (
            Cluster(home, version, folder, account),
            Cluster(home, NEW, place.binaries(), account),
        )


def contents(url: str) -> dict[str, str]:
    """The rows of every view as this login sees them, numbers aside."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set timezone = 'UTC'")
        found = {}
        for name in views_of(conn):
            row = conn.execute("select has_table_privilege(%s, 'select')", [f"drip.{name}"])
            if row.fetchone() == (False,):
                continue
            rows = conn.execute(
                sql.SQL(
                    "select coalesce(string_agg(t.line, E'\\n'), '')"
                    " from (select v::text as line from drip.{} as v order by 1) as t"
                ).format(sql.Identifier(name))
            ).fetchone()
            assert rows is not None
            found[name] = re.sub(r"\d+(\.\d+)?", "0", str(rows[0]))
    return found


def test_pg_upgrade(clusters: tuple[Cluster, Cluster]) -> None:
    old, new = clusters
    with old.running() as admin:
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute(f"create role {OWNER} login createrole".encode())
            conn.execute(f"create database shop owner {OWNER}".encode())
        url = make_conninfo(admin, dbname="shop", user=OWNER)
        assert migrate(url).changed
        with psycopg.connect(make_conninfo(url, user="postgres"), autocommit=True) as conn:
            fill(conn, "A", "+6012000")
            fill(conn, "B", "+6013000")
            # 15.20 marks the columns of every table, and the embedded 18 is older than that mark.
            conn.execute(
                "update pg_attribute set attoptions = null where attoptions::text ~ 'pg_attver'"
            )
            conn.execute(f"create role {READER} login in role drip_reader".encode())
            conn.execute(f"select * from drip.assign_role('{READER}', 'B')".encode())
        before = contents(url)
        of_one_tenant = contents(make_conninfo(url, user=READER))
        assert of_one_tenant != before
        assert sum(map(bool, before.values())) > len(before) / 2

    new.run(
        "pg_upgrade",
        f"--old-bindir={old.programs}",
        f"--new-bindir={new.programs}",
        f"--old-datadir={old.data}",
        f"--new-datadir={new.data}",
        "--username=postgres",
        f"--socketdir={new.data.parent}",
    )

    with new.running() as admin:
        url = make_conninfo(admin, dbname="shop", user=OWNER)
        with psycopg.connect(url) as conn:
            assert conn.info.server_version // 10000 == NEW
        assert drift(url) == []
        # Two servers print a few triggers in other words.
        report = migrate(url)
        assert (report.revisions, report.created, report.dropped) == ((), (), ())
        assert not migrate(url).changed
        assert contents(url) == before
        assert contents(make_conninfo(url, user=READER)) == of_one_tenant
        with psycopg.connect(make_conninfo(url, user="postgres"), autocommit=True) as conn:
            claimed = conn.execute(
                "select c.user_id from drip.claim_messages('w', 10) as c order by 1"
            ).fetchall()
            assert len(set(claimed)) == 2
