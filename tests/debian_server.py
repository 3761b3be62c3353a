"""A PostgreSQL of Debian's packages for the length of a test run."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

PACKAGES = Path("/usr/lib/postgresql")
# Nobody misses these data after a power cut; tests of several workers need many sessions.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "listen_addresses": "",
}


@contextmanager
def debian_server(version: int, home: Path, **settings: str) -> Iterator[str]:
    """A server of that version with data and socket in ``home``: a superuser's connection string.

    ``settings`` go into its configuration, such as ``wal_level="logical"``.

    Runs as the current user, for root as the user ``postgres``, who then owns ``home``.
    """
    programs = PACKAGES / str(version) / "bin"
    if not (programs / "initdb").is_file():
        raise pytest.UsageError(
            f"There is no PostgreSQL {version} in {programs}:"
            f" apt-get install postgresql-{version} postgresql-{version}-plpgsql-check"
        )
    data = home / "data"
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(home, user.pw_uid, user.pw_gid)
        account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        # The server keeps what it inherits: a pipe would be open as long as it runs.
        with (home / "programs.log").open("ab") as log:
            done = subprocess.run(
                [str(programs / program), "--pgdata", str(data), *arguments],
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                **account,
            )
        if done.returncode != 0:
            logs = [path.read_text(errors="replace") for path in sorted(home.glob("*.log"))]
            raise RuntimeError(f"{program} of PostgreSQL {version} failed: {''.join(logs)}")

    run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    with (data / "postgresql.auto.conf").open("a") as file:
        for name, value in (SETTINGS | settings | {"unix_socket_directories": str(home)}).items():
            file.write(f"{name} = '{value}'\n")
    run("pg_ctl", "start", "--wait", "--log", str(home / "server.log"))
    try:
        yield make_conninfo("", host=str(home), port=5432, user="postgres", dbname="postgres")
    finally:
        run("pg_ctl", "stop", "--wait", "--mode=immediate")
