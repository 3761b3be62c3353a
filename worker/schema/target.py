"""Which database a command works on: the one of DATABASE_URL, else one of the embedded server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from ..errors import PgdripError
from ..settings import Settings
from .embedded import EmbeddedServer, embedded_server

DEFAULT_DATABASE = "pgdrip"
# Names the embedded database that commands open; the demo writes its own into it.
CURRENT = "current_database"


@dataclass(frozen=True, slots=True)
class Target:
    """A database: its connection string, a name to show, and psql's place where it is known."""

    url: str
    name: str
    server: EmbeddedServer | None = None

    @property
    def psql(self) -> str:
        """The psql to run: the embedded server's own, else the one on PATH."""
        if self.server is not None:
            return str(self.server.bin / "psql")
        found = shutil.which("psql")
        if found is None:
            raise PgdripError(
                "There is no psql on PATH.",
                hint="Install the PostgreSQL client, on Debian: apt-get install postgresql-client.",
            )
        return found


@contextmanager
def open_target(settings: Settings, *, database: str | None = None) -> Iterator[Target]:
    """The database of this process; the embedded server runs as long as the context lasts.

    ``database`` names another database of the embedded server than the current one. It is made
    where it is missing.
    """
    if settings.database_url is not None:
        try:
            parts = conninfo.conninfo_to_dict(settings.database_url)
        except psycopg.ProgrammingError:
            raise PgdripError(
                "DATABASE_URL is not a valid connection string.",
                hint="Write it as postgresql://user:password@host:5432/database.",
            ) from None
        yield Target(settings.database_url, str(parts.get("dbname") or "DATABASE_URL"))
        return
    with embedded_server(settings.home) as server:
        name = database or current_database(settings.home)
        create_database(server.url, name)
        yield Target(conninfo.make_conninfo(server.url, dbname=name), name, server)


def current_database(home: Path) -> str:
    """The embedded database that commands open."""
    try:
        name = (home / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        name = ""
    return name or DEFAULT_DATABASE


def set_current_database(home: Path, name: str) -> None:
    """Let the commands open ``name`` from now on."""
    (home / CURRENT).write_text(f"{name}\n", encoding="utf-8")


def create_database(url: str, name: str, *, fresh: bool = False) -> None:
    """Make the database ``name`` where it is missing; ``fresh`` drops what was there before."""
    with psycopg.connect(url, autocommit=True) as connection:
        if fresh:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )
        found = connection.execute(
            "select 1 from pg_catalog.pg_database d where d.datname = %s", [name]
        ).fetchone()
        if found is None:
            # Another process may have been quicker.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
