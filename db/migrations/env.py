"""Alembic's entry: revisions run inside the one transaction that pgdrip.schema opens.

`alembic upgrade` on the command line takes the same way as `pgdrip migrate`, so that functions and
views are rebuilt with the tables. Every other command gets a plain connection of its own.
"""

from alembic import context

from pgdrip import schema
from pgdrip.errors import PgdripError
from pgdrip.settings import Settings


def _database_url() -> str:
    url = Settings().database_url
    if url is None:
        raise PgdripError(
            "DATABASE_URL is not set.",
            hint="Set it, or use `pgdrip migrate`, which also serves the embedded server.",
        )
    return url


def _configure(connection: object) -> None:
    context.configure(
        connection=connection,
        version_table="alembic_version",
        version_table_schema=schema.SCHEMA,
        target_metadata=None,
        transaction_per_migration=False,
    )


def _run() -> None:
    shared = context.config.attributes.get("connection")
    if shared is not None:
        _configure(shared)
        with context.begin_transaction():
            context.run_migrations()
        return
    if context.is_offline_mode():
        raise PgdripError(
            "Revisions cannot be written out as SQL.",
            hint="Functions and views are rebuilt with them: use `pgdrip migrate`.",
        )
    command = getattr(context.config.cmd_opts, "cmd", None)
    if command and command[0].__name__ == "upgrade":
        report = schema.migrate(_database_url(), str(context.get_revision_argument() or "head"))
        context.config.print_stdout(report.summary())
        return
    with schema.shared_connection(_database_url()) as connection:
        _configure(connection)
        with context.begin_transaction():
            context.run_migrations()


_run()
