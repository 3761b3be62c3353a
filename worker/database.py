"""Connections to the database, and the functions of schema drip that a worker calls.

Python names no table: everything goes through functions, each in a transaction of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from .server_log import KEEP_OUT
from .session import PLAIN_SESSION
from .watchdog import new_mark, watched

# Seconds. A statement of the worker that takes longer is cancelled.
STATEMENT_TIMEOUT = 30.0
# The same for a claim, whose locks an opt-out may wait for: a guard that hangs ends here. A
# connection of its own carries it, since one set inside the claim would not fire, and one set by a
# statement before it would cost each claim a round trip.
CLAIM_TIMEOUT = 5.0
CONNECT_TIMEOUT = 10
# Seconds until a silent peer counts as gone: 20 + 3 * 5.
KEEPALIVES: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

_SETTINGS = (
    # No lock_timeout of its own: an upgrade may hold the functions for a while, and is waited for.
    # Compiling a plan took a second where running it takes milliseconds.
    "select set_config('statement_timeout', %s, false), set_config('timezone', 'UTC', false),"
    " set_config('jit', 'off', false)"
)


def is_lost(exc: BaseException) -> bool:
    """Whether the server or the connection to it is gone: worth another try, with patience.

    The class of the exception does not say it. psycopg calls an index entry that is too long
    (54000) an OperationalError, too, and that very call will fail for ever.
    """
    if not isinstance(exc, psycopg.Error):
        return isinstance(exc, OSError)
    if exc.sqlstate is None:
        # libpq's own words about a connection; a value that psycopg cannot send is a DataError
        return isinstance(exc, psycopg.OperationalError | psycopg.InterfaceError)
    # 25P03, 25P04: a time-out of the transaction that ends its session
    return exc.sqlstate.startswith(("08", "57P")) or exc.sqlstate in ("25P03", "25P04")


def has_ended_session(exc: BaseException) -> bool:
    """Whether a statement's session ended with it, whatever the error says.

    Code of others may set exit_on_error and then raise any SQLSTATE.
    """
    if not isinstance(exc, psycopg.Error) or isinstance(exc, PoolTimeout):
        return False
    return is_lost(exc) or exc.diag.severity_nonlocalized in ("FATAL", "PANIC")


def is_of_server(exc: BaseException) -> bool:
    """Whether a call failed for a reason that lies with the server, whatever was in it.

    Beside a loss: no memory, disk or connection left, a standby, an I/O error, a function or a
    right that is missing.
    """
    state = getattr(exc, "sqlstate", None) or ""
    return (
        is_lost(exc) or state.startswith(("28", "3D", "3F", "42", "53", "58")) or state == "25006"
    )


async def connect(url: str, application_name: str) -> AsyncConnection[DictRow]:
    """One autocommit connection outside the pool, for LISTEN. The caller closes it."""
    connection = await AsyncConnection.connect(
        url,
        autocommit=True,
        row_factory=dict_row,
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT,
        **KEEPALIVES,
    )
    await _configure(connection)
    return connection


async def _configure(
    connection: AsyncConnection[Any], statement_timeout: float = STATEMENT_TIMEOUT
) -> None:
    # Here and not in the pool's keyword arguments, because a start-up option such as
    # statement_timeout is refused by pgbouncer.
    await connection.set_autocommit(True)
    await connection.execute(KEEP_OUT)
    await connection.execute(PLAIN_SESSION)
    await connection.execute(_SETTINGS, [f"{statement_timeout * 1000:.0f}ms"])


async def _configure_for_claims(connection: AsyncConnection[Any]) -> None:
    await _configure(connection, CLAIM_TIMEOUT)


class GuardedUser(NamedTuple):
    """A tenant with guarded messages that are due."""

    user_id: int
    has_own_guards: bool
    """Whether guards of its own may be asked; else only those for all are."""


class Database:
    """A pool of autocommit connections, and the worker's calls.

    A call raises what :func:`is_lost` tells from other errors when the server is gone, and the
    matching :class:`psycopg.Error` for anything else; the pool reconnects by itself.
    """

    def __init__(self, url: str, *, size: int = 6, application_name: str = "pgdrip") -> None:
        self._statements: dict[tuple[str, tuple[str, ...]], sql.Composed] = {}
        self.url = url

        def pool(
            most: int, configure: Callable[[AsyncConnection[Any]], Awaitable[None]]
        ) -> AsyncConnectionPool[AsyncConnection[DictRow]]:
            return AsyncConnectionPool(
                url,
                min_size=min(2, most),
                max_size=most,
                open=False,
                timeout=10.0,
                max_idle=300.0,
                reconnect_timeout=60.0,
                configure=configure,
                name=application_name,
                kwargs={
                    "row_factory": dict_row,
                    "application_name": application_name,
                    # Guards and audiences run in these sessions; no statement may wait in them that
                    # code of others could replace.
                    "prepare_threshold": None,
                    "connect_timeout": CONNECT_TIMEOUT,
                    **KEEPALIVES,
                },
            )

        self.pool = pool(max(1, size - 1), _configure)
        self._claims = pool(1, _configure_for_claims)
        self._claims_patiently = False
        # One for all claims, so that their text is parsed once.
        self._mark = new_mark()
        self._claim = self._mark + _CLAIM

    async def __aenter__(self) -> Self:
        await self.pool.open()
        await self._claims.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._claims.close(timeout=5.0)
        await self.pool.close(timeout=5.0)

    async def query(
        self,
        statement: sql.Composed | sql.SQL,
        values: Sequence[Any],
        pool: AsyncConnectionPool[AsyncConnection[DictRow]] | None = None,
        mark: sql.Composed | None = None,
        seconds: float = STATEMENT_TIMEOUT,
    ) -> list[DictRow]:
        """Run one statement in a transaction of its own and return its rows.

        One that begins with ``mark`` and takes much longer than ``seconds`` loses its session.
        """
        try:
            async with (pool or self.pool).connection() as connection:
                with watched(connection, self.url, mark, seconds) if mark else nullcontext():
                    cursor = await connection.execute(statement, values)
                    return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as exc:
            self._note_loss(exc)
            raise

    def _note_loss(self, exc: psycopg.Error) -> None:
        if is_lost(exc):
            # The server went away: the pool's other connections are as dead as this one.
            asyncio.get_running_loop().call_soon(self._start_check)

    def _start_check(self) -> None:
        task = asyncio.ensure_future(self._check())
        self._checking = task  # keeps the task alive until it is done

    async def _check(self) -> None:
        with suppress(Exception):  # the pool reconnects by itself and reports what is wrong
            await self.pool.check()
            await self._claims.check()

    async def call(self, function: str, /, *args: Any, **named: Any) -> list[DictRow]:
        """Call ``drip.<function>`` with positional, then named arguments (without ``p_``)."""
        statement = self._statement(function, len(args), tuple(named))
        return await self.query(statement, [*args, *named.values()])

    async def call_patiently(self, function: str, /, *args: Any) -> list[DictRow]:
        """Call ``drip.<function>`` with as much time as the campaigns that are due may need.

        An audience has a time limit of its own, and a time-out set inside the function that reads
        it would not fire: the transaction's carries it. A call that does not end with it loses its
        session.
        """
        mark = new_mark()
        statement = mark + self._statement(function, len(args), ())
        try:
            async with self.pool.connection() as connection, connection.transaction():
                taken = await (await connection.execute(_TAKE_TIME)).fetchone()
                seconds = float(taken["seconds"]) if taken else STATEMENT_TIMEOUT
                with watched(connection, self.url, mark, seconds):
                    cursor = await connection.execute(statement, args)
                    return await cursor.fetchall()
        except psycopg.Error as exc:
            self._note_loss(exc)
            raise

    def _statement(self, function: str, count: int, names: tuple[str, ...]) -> sql.Composed:
        key = (function, (str(count), *names))
        statement = self._statements.get(key)
        if statement is None:
            arguments: list[sql.Composable] = [sql.SQL("%s")] * count
            arguments += [sql.SQL("{} => %s").format(sql.Identifier(f"p_{n}")) for n in names]
            statement = sql.SQL("select r.* from drip.{}({}) r").format(
                sql.Identifier(function), sql.SQL(", ").join(arguments)
            )
            self._statements[key] = statement
        return statement

    async def claim_messages(
        self, worker: str, limit: int, *, user: int | None = None, guards: bool = True
    ) -> list[DictRow]:
        """Claim up to ``limit`` messages; each row also has ``lease_seconds``.

        With ``user`` those of one tenant alone; without ``guards`` none is asked, and what is
        guarded waits.

        Both ends of ``lease_seconds`` are read from the database's clock, so the worker's own
        clock may be wrong without harm.

        A guard that hangs costs :data:`CLAIM_TIMEOUT` and the claim goes on without it. Where the
        claim itself took that long (a cold cache, a server under water), psycopg's QueryCanceled
        is raised and the next one has :data:`STATEMENT_TIMEOUT`, or it would never get through.
        """
        patiently = self._claims_patiently
        self._claims_patiently = False
        try:
            return await self.query(
                self._claim,
                [worker, limit, user, guards],
                None if patiently else self._claims,
                self._mark,
                STATEMENT_TIMEOUT if patiently else CLAIM_TIMEOUT,
            )
        except psycopg.errors.QueryCanceled:
            self._claims_patiently = not patiently
            raise

    async def list_guarded_users(self) -> tuple[list[GuardedUser], datetime | None]:
        """The tenants with guarded messages that are due, and when the server was started."""
        rows = await self.call("list_guarded_users")
        return [GuardedUser(**row) for row in rows], await self.server_started()

    async def rest_guards(self, user: GuardedUser, error: str) -> list[str]:
        """Suspend a tenant's guards, its own if it has any; returns their names."""
        rows = await self.call("rest_guards", user.user_id, error, not user.has_own_guards)
        return [row["name"] for row in rows]

    async def list_due_campaigns(self) -> tuple[list[int], datetime | None]:
        """The campaigns of which something is to be planned, and when the server was started."""
        rows = await self.call("list_due_campaigns")
        return [row["campaign_id"] for row in rows], await self.server_started()

    async def server_started(self) -> datetime | None:
        """When the server was started: sessions that it ended by stopping are nobody's fault."""
        rows = await self.query(_STARTED, [])
        return rows[0]["started"] if rows else None

    async def record_results(
        self, worker: str, results: Sequence[Mapping[str, Any]]
    ) -> list[DictRow]:
        """Record outcomes; one row (message_id, status, applied) each."""
        return await self.call("record_results", worker, Jsonb(results))

    async def release_messages(
        self, worker: str, messages: Sequence[Mapping[str, int]]
    ) -> list[DictRow]:
        """Give back messages (message_id, attempt) that were never handed over."""
        return await self.call("release_messages", worker, Jsonb(messages))

    async def wake_devices(self, sealed: Sequence[str]) -> None:
        """Let the next claim look at the devices of these notifications, or at all without any."""
        await self.query(_WAKE, [list(sealed)])

    async def next_wakeup(self) -> float | None:
        """Seconds until the next look at a device, by the database's clock; None: never."""
        rows = await self.query(_NEXT_WAKEUP, [])
        seconds = rows[0]["seconds"] if rows else None
        return None if seconds is None else float(seconds)


_CLAIM = sql.SQL(
    "select c.*, extract(epoch from c.lease_expires_at - drip.now())::float8 as lease_seconds"
    " from drip.claim_messages(%s, %s, %s, %s) c"
)
_STARTED = sql.SQL("select pg_postmaster_start_time() as started")
_TAKE_TIME = sql.SQL(
    "select t.seconds, set_config('statement_timeout', (t.seconds * 1000)::bigint::text, true)"
    " from (select extract(epoch from drip.planning_time())::float8 as seconds offset 0) t"
)
_WAKE = sql.SQL("select count(*) from drip.wake_devices(p_sealed => %s::text[])")
_NEXT_WAKEUP = sql.SQL(
    "select extract(epoch from drip.next_wakeup() - drip.now())::float8 as seconds"
)
