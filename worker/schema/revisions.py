"""What revisions run on: one psycopg connection, one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy
from alembic import op
from sqlalchemy.pool import StaticPool

from ..session import PLAIN_SESSION
from .catalog import Connection


def raw_connection() -> Connection:
    """The psycopg connection of the running revision, for statements with parameters."""
    return psycopg_of(op.get_bind())


def run_script(text: str) -> None:
    """Run the SQL of a revision, any number of statements, without parameters.

    On the raw cursor, where neither `:name` nor `%` means anything.
    """
    try:
        raw_connection().execute(text.encode())
    except psycopg.Error as exc:
        if exc.diag.statement_position:
            line = text.count("\n", 0, int(exc.diag.statement_position) - 1)
            exc.add_note(text.splitlines()[line].strip())
        raise


@contextmanager
def shared_connection(dsn: str) -> Iterator[sqlalchemy.Connection]:
    """One psycopg connection in one transaction, as SQLAlchemy knows it; commits at the end."""
    raw = psycopg.connect(
        dsn, autocommit=True, prepare_threshold=None, application_name="pgdrip migrate"
    )
    try:
        raw.execute(PLAIN_SESSION)
        raw.autocommit = False
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: raw,
            poolclass=StaticPool,
            use_native_hstore=False,
        )
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        raw.close()


def psycopg_of(connection: sqlalchemy.Connection) -> Connection:
    """The connection of psycopg that one of SQLAlchemy rests on."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("migrations run on psycopg")
    return raw
