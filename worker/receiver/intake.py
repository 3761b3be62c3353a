"""Stores webhooks durably, many in one commit, and says quickly when it cannot."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from ..database import KEEPALIVES
from ..errors import from_database
from ..logs import MOST, Seldom
from ..server_log import KEEP_OUT
from ..session import PLAIN_SESSION

log = structlog.get_logger("pgdrip.receiver")

GATHER = 0.003  # seconds a webhook waits for company
BATCH = 200  # webhooks in one call, at most
BATCH_CHARACTERS = 4 * 1024 * 1024  # of their bodies, unless one alone is longer
LINES = 3  # connections that store
MOST_WAITING = 2_000  # webhooks that wait for a connection

# Seconds. Whoever sent the webhook is answered long before these: they end what is hopeless.
STATEMENT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 3.0
CONNECT_TIMEOUT = 2
RECONNECT = 0.1  # between two attempts to connect
COMPLAIN = 10.0  # between two lines in the log about the same trouble

_STORE = "select drip.store_webhooks(%s::text[], %s::bigint[], %s::text[])"
_SETTINGS = (
    "select set_config('statement_timeout', %s, false), set_config('timezone', 'UTC', false),"
    # An answer promises that the webhook outlives a crash, whatever the server's default.
    " set_config('synchronous_commit', case current_setting('synchronous_commit')"
    " when 'off' then 'on' else current_setting('synchronous_commit') end, false)"
)


class Unavailable(Exception):
    """Nothing can be stored or looked up now; a later try may succeed."""


class Unstorable(Exception):
    """The database refuses this very webhook, now and later."""


class Line:
    """One connection for one call at a time, opened when it is needed and again when it was lost.

    :meth:`execute` raises :class:`Unavailable` when the server is gone, slow or unwilling, and the
    :class:`psycopg.Error` when it refused the statement itself.
    """

    def __init__(self, url: str, application_name: str) -> None:
        self._url = url
        self._name = application_name
        self._connection: AsyncConnection[DictRow] | None = None
        self._turn = asyncio.Lock()
        self._not_before = 0.0
        self._complained = -COMPLAIN
        self._failing = False

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> list[DictRow]:
        """Run one statement in a transaction of its own; its rows once it has committed.

        A connection that turns out to be dead is replaced, and the statement is sent again: it
        must be one that does no harm twice.
        """
        async with self._turn:
            while True:
                old = self._connection
                connection = old or await self._open()
                try:
                    rows = await self._answer(connection, statement, values)
                except psycopg.errors.ReadOnlySqlTransaction as exc:
                    # It has become a standby: the next call may find the new primary.
                    await self.close()
                    raise self._unavailable(exc) from exc
                except (psycopg.OperationalError, psycopg.InterfaceError) as exc:
                    if _is_too_much(exc):
                        raise
                    lost = connection.closed or exc.sqlstate is None
                    if lost:
                        await self.close()
                    if old is None or not lost:
                        raise self._unavailable(exc) from exc
                except psycopg.Error:
                    raise  # an answer, though not the one that was hoped for
                except BaseException:
                    # Cut short: nobody knows what the connection was about to say.
                    await self.close()
                    raise
                else:
                    if self._failing:
                        self._failing = False
                        log.info("the database takes webhooks again")
                    return rows

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _open(self) -> AsyncConnection[DictRow]:
        if time.monotonic() < self._not_before:
            raise Unavailable
        try:
            connection = await AsyncConnection.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                application_name=self._name,
                connect_timeout=CONNECT_TIMEOUT,
                prepare_threshold=None,
                **KEEPALIVES,
            )
            await self._answer(connection, KEEP_OUT, [])
            await self._answer(connection, PLAIN_SESSION, [])
            await self._answer(connection, _SETTINGS, [f"{STATEMENT_TIMEOUT:g}s"])
        except psycopg.Error as exc:
            self._not_before = time.monotonic() + RECONNECT
            raise self._unavailable(exc) from exc
        self._connection = connection
        return connection

    async def _answer(
        self, connection: AsyncConnection[DictRow], statement: str, values: Sequence[Any]
    ) -> list[DictRow]:
        task = asyncio.ensure_future(_rows(connection, statement, values))
        try:
            done, _ = await asyncio.wait([task], timeout=ANSWER_TIMEOUT)
        except asyncio.CancelledError:
            connection.pgconn.finish()
            task.cancel()
            raise
        if not done:
            # The server hangs. Asking it to cancel would hang as well.
            connection.pgconn.finish()
            task.cancel()
            raise psycopg.OperationalError("timeout expired")
        return task.result()

    def _unavailable(self, exc: BaseException) -> Unavailable:
        self._failing = True
        now = time.monotonic()
        if now - self._complained >= COMPLAIN:
            self._complained = now
            log.warning("the database does not take webhooks", error=sentence(exc))
        return Unavailable()


def _is_too_much(exc: psycopg.Error) -> bool:
    """A limit of the server's program. psycopg calls it an OperationalError, as it does a loss."""
    return (exc.sqlstate or "").startswith("54")


async def _rows(
    connection: AsyncConnection[DictRow], statement: str, values: Sequence[Any]
) -> list[DictRow]:
    cursor = await connection.execute(statement.encode(), values)
    return await cursor.fetchall()


@dataclass(slots=True, eq=False)
class _Entry:
    kind: str
    id: int
    body: str
    done: asyncio.Future[None]


class Intake:
    """Gathers webhooks for a few milliseconds and stores them in one transaction.

    Several connections do so side by side. A batch that the database refuses is taken apart, so
    that one bad webhook does not hold the others.
    """

    def __init__(self, url: str, *, lines: int = LINES, most_waiting: int = MOST_WAITING) -> None:
        self._lines = [Line(url, "pgdrip receiver") for _ in range(lines)]
        self._most_waiting = most_waiting
        self._queue: deque[_Entry] = deque()
        self._some = asyncio.Event()
        self._turn = asyncio.Lock()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self.stored = 0
        self.busy = 0  # calls under way
        self._complained = -COMPLAIN
        self._refused = Seldom(most=MOST)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._work(line)) for line in self._lines]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Store what was accepted, then close the connections."""
        self._closing = True
        self._some.set()
        _, slow = await asyncio.wait(self._tasks, timeout=2 * ANSWER_TIMEOUT)
        for task in slow:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines:
            await line.close()

    async def store(self, kind: str, subject: int, body: str) -> None:
        """Return once the webhook is committed.

        Raises :class:`Unavailable` when it could not be, or when nobody knows, and
        :class:`Unstorable` when it never can be. Whoever gives up waiting may cancel this: a
        webhook that waits for its turn is then dropped.
        """
        if self._closing or len(self._queue) >= self._most_waiting:
            raise Unavailable
        entry = _Entry(kind, subject, body, asyncio.get_running_loop().create_future())
        self._queue.append(entry)
        self._some.set()
        await entry.done

    async def _work(self, line: Line) -> None:
        while batch := await self._next():
            self.busy += 1
            try:
                await self._store(line, batch)
            except Exception as exc:
                if time.monotonic() - self._complained >= COMPLAIN:
                    self._complained = time.monotonic()
                    log.error("storing webhooks fails", error=sentence(exc))
            finally:
                self.busy -= 1
                for entry in batch:
                    _settle(entry, Unavailable())

    async def _next(self) -> list[_Entry]:
        """What is to be stored in one call; empty when closing and nothing is left."""
        async with self._turn:
            while True:
                while not self._queue:
                    if self._closing:
                        return []
                    self._some.clear()
                    await self._some.wait()
                if len(self._queue) < BATCH and not self._closing:
                    await asyncio.sleep(GATHER)
                batch: list[_Entry] = []
                room = BATCH_CHARACTERS
                while self._queue and len(batch) < BATCH:
                    room -= len(self._queue[0].body)
                    if room < 0 and batch:
                        break
                    entry = self._queue.popleft()
                    if not entry.done.done():  # else whoever sent it was told to come again
                        batch.append(entry)
                if batch:
                    return batch

    async def _store(self, line: Line, batch: list[_Entry]) -> None:
        try:
            await line.execute(
                _STORE,
                [
                    [entry.kind for entry in batch],
                    [entry.id for entry in batch],
                    [entry.body for entry in batch],
                ],
            )
        except Unavailable:
            return
        except psycopg.Error as exc:
            of_content = isinstance(exc, (psycopg.DataError, psycopg.IntegrityError))
            of_content = of_content or _is_too_much(exc)
            if not of_content and not (exc.sqlstate or "").startswith("DR"):
                raise  # a function or a right is missing: it is none of the webhooks' fault
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._store(line, batch[:middle])
                await self._store(line, batch[middle:])
                return
            entry = batch[0]
            if self._refused.passes():
                log.error(
                    "a webhook was refused by the database",
                    kind=entry.kind,
                    id=entry.id,
                    characters=len(entry.body),
                    code=exc.sqlstate,  # its sentence might quote the body
                    others=self._refused.take(),
                )
            _settle(entry, Unstorable())
            return
        self.stored += len(batch)
        for entry in batch:
            _settle(entry, None)


def _settle(entry: _Entry, error: Exception | None) -> None:
    if entry.done.done():
        return
    if error is None:
        entry.done.set_result(None)
    else:
        entry.done.set_exception(error)


def sentence(exc: BaseException) -> str:
    """The first line of what went wrong, for the log."""
    if isinstance(exc, psycopg.Error):
        return from_database(exc).message
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]
