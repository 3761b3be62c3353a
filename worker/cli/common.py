"""What all commands share: the terminal, the settings, the connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import psycopg
import typer

from ..schema.installation import QUERY, refuse_broken
from ..server_log import KEEP_OUT
from ..session import PLAIN_SESSION
from ..settings import Settings, load_settings
from ..tables import make_console

out = make_console()
err = make_console(stderr=True)

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="Connection string; without it DATABASE_URL, else the embedded server.",
        show_default=False,
    ),
]


def settings_for(database_url: str | None, *, embedded: bool = False) -> Settings:
    """The settings; the database is the one that the command names, if it does."""
    settings = load_settings()
    if embedded:
        return settings.model_copy(update={"database_url": None})
    if database_url is not None:
        return settings.model_copy(update={"database_url": database_url})
    return settings


@contextmanager
def connect_to(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection for one command; refuses a database that is not ready (DR023)."""
    with psycopg.connect(
        url, autocommit=True, application_name="pgdrip", connect_timeout=10
    ) as connection:
        connection.execute(KEEP_OUT)
        connection.execute(PLAIN_SESSION)
        row = connection.execute(QUERY).fetchone()
        refuse_broken(*(row or (None, None)))
        yield connection
