"""Ends sessions that code of others keeps busy beyond the time-out of their statement.

A function that catches its cancellation is not ended by a statement_timeout, which fires once. It
runs in our session, with the locks of a claim, so its backend is ended from another connection.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from psycopg import AsyncConnection, sql

from .server_log import KEEP_OUT

log = structlog.get_logger("pgdrip.watchdog")

# Seconds that a statement may take beyond its time-out, and between two looks at one that does.
GRACE = 3.0
CONNECT_TIMEOUT = 10  # seconds

# The mark is at the beginning of the statement's text: behind a pooler, process ids are not the
# server's, and the code could change its application_name, but not the text, nor the login.
_END = sql.SQL(
    "select pg_terminate_backend(a.pid) as ended from pg_stat_activity a"
    " where a.datname = current_database() and a.usename = session_user"
    " and a.backend_type = 'client backend' and a.state = 'active'"
    " and starts_with(a.query, %s)"
    " and clock_timestamp() - a.query_start > make_interval(secs => %s)"
)


def new_mark() -> sql.Composed:
    """A comment to begin a statement with, which no other session can guess."""
    return sql.SQL("/* {} */ ").format(sql.Identifier(secrets.token_hex(12)))


@contextmanager
def watched(
    connection: AsyncConnection[Any], url: str, mark: sql.Composed, seconds: float
) -> Iterator[None]:
    """End the statement that begins with ``mark`` and runs for much longer than ``seconds``.

    Whoever waits for it then gets the error of a lost connection.
    """
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    text = mark.as_string()

    def overdue() -> None:
        tasks.append(asyncio.ensure_future(_end(connection, url, text, seconds)))

    timer = loop.call_later(seconds + GRACE, overdue)
    try:
        yield
    finally:
        timer.cancel()
        for task in tasks:
            task.cancel()


async def _end(connection: AsyncConnection[Any], url: str, text: str, seconds: float) -> None:
    has_ended = False
    while True:
        if has_ended:
            # The server was told, and still there is no answer: its end of the line may be gone.
            _cut(connection)
            return
        try:
            has_ended = await _terminate(url, text, seconds)
        except Exception as exc:
            log.warning("an overdue statement could not be ended", error=str(exc).strip())
        if has_ended:
            log.warning("ended a session whose statement took too long", seconds=seconds)
        await asyncio.sleep(GRACE)


async def _terminate(url: str, text: str, seconds: float) -> bool:
    connection = await AsyncConnection.connect(
        url, autocommit=True, application_name="pgdrip watchdog", connect_timeout=CONNECT_TIMEOUT
    )
    async with connection:
        await connection.execute(KEEP_OUT)
        cursor = await connection.execute(_END, [text, seconds])
        return any([row[0] async for row in cursor])


def _cut(connection: AsyncConnection[Any]) -> None:
    """Let a client that waits for an answer find its connection closed."""
    with suppress(OSError):
        number = os.dup(connection.fileno())
        with socket.socket(fileno=number) as end:
            end.shutdown(socket.SHUT_RDWR)
