"""What every long-running process does: wait for its database, and stop when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal

import psycopg
import structlog
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow

from .database import connect
from .errors import PgdripError, from_database
from .schema.installation import QUERY, refuse_broken

log = structlog.get_logger("pgdrip.lifecycle")

FIRST_RETRY = 0.5  # seconds, doubled with each failure
LAST_RETRY = 30.0

# Failures of a first connection that patience does not cure.
_HOPELESS = {"28000", "28P01", "3D000", "3F000", "42883", "42P01", "42501"}


# Whatever the role of our processes may call, this login must be allowed to call.
_RIGHTS = """
    select current_user as login,
      pg_catalog.has_schema_privilege('drip', 'usage')
      and pg_catalog.has_schema_privilege('procrastinate', 'usage') and coalesce(bool_and(
        pg_catalog.has_function_privilege(p.oid, 'execute')), true) as is_allowed
    from pg_catalog.pg_proc p
    where p.pronamespace = 'drip'::pg_catalog.regnamespace
      and pg_catalog.has_function_privilege('drip_worker', p.oid, 'execute')
"""


async def wait_for_database(url: str, name: str, stop: asyncio.Event) -> bool:
    """Wait until the process called ``name`` can work there; False when stopped before.

    Raises :class:`PgdripError` when the database will not have it: no schema, no rights, wrong
    password, a login that is no member of drip_worker. A database that is merely away is waited
    for.
    """
    delay = FIRST_RETRY
    while not stop.is_set():
        try:
            connection = await connect(url, name)
            async with connection:
                await _check_rights(connection)
                row = await (await connection.execute(QUERY)).fetchone() or {}
                refuse_broken(row.get("revision"), row.get("problem"))
            return True
        except psycopg.Error as exc:
            problem = from_database(exc)
            if problem.code in _HOPELESS or isinstance(exc, psycopg.ProgrammingError):
                raise problem from None
        log.warning("waiting for the database", seconds=round(delay, 1), error=problem.message)
        await pause(stop, delay)
        delay = min(LAST_RETRY, delay * 2)
    return False


async def _check_rights(connection: AsyncConnection[DictRow]) -> None:
    row = await (await connection.execute(_RIGHTS)).fetchone()
    if row is None or row["is_allowed"]:
        return
    grant = sql.SQL("grant drip_worker to {}").format(sql.Identifier(row["login"]))
    raise PgdripError(
        f"The login {row['login']} may not do a worker's work.",
        hint=f"Let an administrator run: {grant.as_string(connection)}",
        code="42501",
    )


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so many seconds, or until ``stop`` is set."""
    try:
        async with asyncio.timeout(seconds):
            # Once stopping, only what must be finished goes on, and it must not race.
            await (asyncio.sleep(seconds) if stop.is_set() else stop.wait())
    except TimeoutError:
        pass


def handle_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` at SIGTERM or SIGINT; leave at once at a second one."""
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            log.warning("second signal, leaving at once")
            os._exit(128 + number)
        log.info("signal received", signal=number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, on_signal, number)
        except (NotImplementedError, RuntimeError, ValueError):
            return  # not in the main thread: whoever started us stops us by the event
