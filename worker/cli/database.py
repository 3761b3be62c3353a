"""Commands for the database itself: migrate, drift, psql."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import asdict

import typer
from psycopg import conninfo

from ..errors import PgdripError
from ..tables import print_table
from .common import DatabaseUrl, out, settings_for


def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database to this version: tables, functions, views, roles."""
    from ..schema import migrate as migrate_database
    from ..schema.target import open_target

    with open_target(settings_for(database_url)) as target:
        out.print(migrate_database(target.url).summary())


def drift(database_url: DatabaseUrl = None) -> None:
    """Say what differs between the database and this version; exit code 1 when something does.

    patched: changed by hand. missing: not there. stray: nothing of this version makes it.
    outdated: this version brings another one, pgdrip migrate puts it right. Nothing is changed;
    nothing in use is locked.
    """
    from ..schema import drift as find_drift
    from ..schema.target import open_target

    with open_target(settings_for(database_url)) as target:
        found = find_drift(target.url)
    if not found:
        out.print("No drift: tables, functions, views and policies are those of this version.")
        return
    print_table(
        out,
        f"{len(found)} differences",
        [asdict(item) for item in found],
        {"kind": "kind", "identity": "name", "problem": "problem", "detail": "detail"},
    )
    raise typer.Exit(1)


def psql(context: typer.Context, database_url: DatabaseUrl = None) -> None:
    """Open psql on the database, with drip at the end of the search path.

    Further arguments go to psql: pgdrip psql -c "select * from queue_overview"
    """
    from ..schema.target import open_target

    with open_target(settings_for(database_url)) as target:
        # At the end: what somebody creates without a schema is theirs, not ours.
        path = '-c search_path="$user",public,drip'
        options = f"{os.environ.get('PGOPTIONS', '')} {path}".strip()
        environment = {**os.environ, "PGOPTIONS": options, "PGAPPNAME": "pgdrip psql"}
        arguments = list(context.args)
        connection = _psql_connection(target.url, environment)
        code = _run_psql([target.psql, "--dbname", connection, *arguments], environment)
    raise typer.Exit(code)


def _psql_connection(url: str, environment: dict[str, str]) -> str:
    # A list of processes shows arguments to everybody: the password goes by the environment.
    parts = conninfo.conninfo_to_dict(url)
    password = parts.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    options = parts.pop("options", None)
    if options:
        environment["PGOPTIONS"] = f"{options} {environment['PGOPTIONS']}"
    return conninfo.make_conninfo("", **{name: str(part) for name, part in parts.items()})


def _run_psql(command: list[str], environment: dict[str, str]) -> int:
    # Ctrl-C cancels a query in psql; it must not end us, who keep the server running. A handler
    # and not SIG_IGN, which psql would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.Popen(command, env=environment).wait()
    except OSError as exc:
        raise PgdripError(f"psql cannot be started: {exc.strerror}.") from None
    finally:
        signal.signal(signal.SIGINT, before)
