"""Alembic's entry: revisions run inside the one transaction that pgdrip.schema opens.

`alembic upgrade` on the command line takes the same way as `pgdrip migrate`, so that functions and
views are rebuilt with the tables. Every other command gets a plain connection of its own.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.util import CommandError

from pgdrip import schema
from pgdrip.errors import PgdripError
from pgdrip.settings import load_settings


def _run_on(connection: Any) -> None:
    context.configure(
        connection=connection,
        version_table="alembic_version",
        version_table_schema=schema.SCHEMA,
        target_metadata=None,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_from_command_line() -> None:
    if context.is_offline_mode():
        raise PgdripError(
            "Revisions cannot be written out as SQL.",
            hint="Functions and views are rebuilt with them: use `pgdrip migrate`.",
        )
    url = load_settings().database_url
    if url is None:
        raise PgdripError(
            "DATABASE_URL is not set.",
            hint="Set it, or use `pgdrip migrate`, which also serves the embedded server.",
        )
    command = getattr(context.config.cmd_opts, "cmd", None)
    if command and command[0].__name__ == "upgrade":
        target = str(context.get_revision_argument() or "head")
        report = schema.migrate(url, target, run_revisions=_run_on)
        context.config.print_stdout(report.summary())
        return
    with schema.shared_connection(url) as connection:
        _run_on(connection)


if (shared := context.config.attributes.get("connection")) is not None:
    _run_on(shared)
else:
    try:
        _run_from_command_line()
    except PgdripError as exc:
        raise CommandError(f"{exc.message} {exc.hint or ''}".strip()) from exc
