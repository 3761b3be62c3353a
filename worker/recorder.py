"""Records outcomes in batches, and never loses one that the database takes."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog

from .database import Database, is_of_server
from .logs import Seldom
from .senders.cleaning import safe_text

log = structlog.get_logger("pgdrip.recorder")

FLUSH_AFTER = 0.02  # seconds a result waits for company
FLUSH_SIZE = 200  # results that are flushed without waiting
MAX_BATCH = 500  # results in one call
FIRST_RETRY = 0.1  # seconds, doubled with each failure
LAST_RETRY = 10.0
COMPLAIN = 10.0  # seconds between two lines in the log about refused results

# A result that is refused for what is in it will be refused again: data, constraint, a limit of the
# program, a sentence of ours, a trigger that raises. The same classes whoever raises them.
_OF_CONTENT = ("21", "22", "23", "54", "DR", "P0")
# A trigger or a function that names what does not exist, or may not read it, may do so for one row.
_OF_CODE = ("42", "3F")
# Any other refusal is another session's or the server's doing and may pass (a lock, a deadlock, a
# cancel, an object in use, an internal error): such a result is tried again, alone, for ever. While
# none at all is recorded nothing is claimed for so many seconds, twice as many each time; then a
# claim shows whether the others go through.
PATIENCE = 60.0
LAST_PATIENCE = 3600.0
TURN = 1.0  # seconds that a round of such tries may take, so that new results do not wait

Result = dict[str, Any]


@dataclass(slots=True)
class _Aside:
    """A result that the database has refused alone, for a reason that may pass."""

    result: Result
    next_try: float
    tries: int = 1


class Recorder:
    """Takes results as they come and hands them to ``record_results`` in batches.

    A batch that fails because of the server is tried again until it succeeds. What the database
    refuses for its content it records as ``unknown`` itself, and says so; a batch that it refuses
    as a whole is halved here until the bad result is alone, and that is recorded as ``unknown``.
    If even that is refused for its content, it is dropped, and its lease expires. What another
    session or the server does delays a result and never drops it.
    """

    def __init__(self, database: Database, worker: str, recorded: asyncio.Event) -> None:
        self._database = database
        self._worker = worker
        self._recorded = recorded  # set after each flush: devices may have become free
        self._queue: deque[Result] = deque()
        self._aside: dict[tuple[int, int], _Aside] = {}
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._seldom = Seldom(COMPLAIN)
        self._delayed = Seldom(COMPLAIN)
        self._late = Seldom(COMPLAIN)
        self._stuck_since: float | None = None  # when the last new results could not be recorded
        self._patience = PATIENCE
        self.failing = False  # the last flush recorded nothing: claim nothing more for now
        self.count = 0  # recorded as they came
        self.refused = 0  # recorded as unknown in their place, or dropped

    @property
    def backlog(self) -> int:
        """Results that are not recorded yet."""
        return len(self._queue) + len(self._aside)

    def put(self, result: Result) -> None:
        """Take one result; it is recorded within about 20 ms."""
        self._queue.append(result)
        self._some.set()
        if len(self._queue) >= FLUSH_SIZE:
            self._full.set()

    def close(self) -> None:
        """Let :meth:`run` end as soon as everything is recorded."""
        self._closing = True
        self._some.set()
        self._full.set()

    async def run(self) -> None:
        """Record until closed and empty."""
        delay = FIRST_RETRY
        while True:
            await self._wait()
            if self._queue and not self._closing and len(self._queue) < FLUSH_SIZE:
                self._full.clear()
                try:
                    async with asyncio.timeout(FLUSH_AFTER):
                        await self._full.wait()
                except TimeoutError:
                    pass
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            if not batch and not self._aside:
                if self._closing:
                    return
                continue
            # In id order: batches of several workers then cannot deadlock.
            batch.sort(key=_key)
            before = self.count + self.refused
            try:
                await self._try_again()
                await self._record(batch)
            except BaseException as exc:
                # Whatever of the batch was recorded already is recorded again: the fence makes
                # that harmless.
                self._queue.extendleft(
                    one for one in reversed(batch) if _key(one) not in self._aside
                )
                self._some.set()
                if not _is_everybodys(exc):
                    raise
                self.failing = True
                log.warning(
                    "recording failed, trying again",
                    results=len(self._queue),
                    seconds=round(delay, 1),
                    error=_sentence(exc),
                )
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(LAST_RETRY, delay * 2)
            else:
                self._judge(is_stuck=self.count + self.refused == before, has_new=bool(batch))
                delay = FIRST_RETRY
                self._recorded.set()

    def _judge(self, *, is_stuck: bool, has_new: bool) -> None:
        """Where nothing at all is recorded, the trouble is not one result's."""
        now = time.monotonic()
        if not self._aside or not is_stuck:
            self._stuck_since = None
            self._patience = PATIENCE
        elif self._stuck_since is None:
            self._stuck_since = now
        elif has_new:
            if now - self._stuck_since > self._patience:
                self._patience = min(LAST_PATIENCE, self._patience * 2)
            self._stuck_since = now
        self.failing = self._stuck_since is not None and now - self._stuck_since <= self._patience

    async def _wait(self) -> None:
        """Until there is a new result, or the time of one that was set aside has come."""
        if not self._queue:
            if not self._closing:
                self._some.clear()
            next_try = min((one.next_try for one in self._aside.values()), default=None)
            try:
                async with asyncio.timeout(
                    None if next_try is None else max(0.0, next_try - time.monotonic())
                ):
                    if self._closing and self._aside:
                        await asyncio.sleep(LAST_RETRY)
                    await self._some.wait()
            except TimeoutError:
                pass

    async def _record(self, batch: list[Result]) -> None:
        if not batch:
            return
        try:
            await self._hand_over(batch)
        except psycopg.Error as exc:
            if _is_everybodys(exc):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._record(batch[:middle])
                await self._record(batch[middle:])
            elif _is_of_content(exc.sqlstate):
                await self._record_as_unknown(batch[0], exc)
            else:
                self._set_aside(batch[0], exc.sqlstate)

    async def _hand_over(self, batch: list[Result]) -> None:
        """Record a batch in one call, and see to what the database has left out of it."""
        rows = await self._database.record_results(self._worker, batch)
        left = {row["message_id"]: row for row in rows if row["reason"] is not None}
        for result in batch:
            row = left.get(result["message_id"])
            if row is None:
                self._done(result)
                self.count += 1
            elif row["reason"] == "not_reached":
                self._done(result)
                self._queue.append(result)
                self._some.set()
            else:
                state = row["reason"].removeprefix("refused: ")
                if row["status"] == "unknown" or _is_of_content(state):
                    self._refused(result, state, is_dropped=row["status"] != "unknown")
                else:
                    self._set_aside(result, state)
        late = [row for row in rows if not row["applied"] and row["reason"] is None]
        if late and self._late.passes():
            log.info(
                "a result came late",
                message_id=late[0]["message_id"],
                status=late[0]["status"],
                others=len(late) - 1 + self._late.take(),
            )

    async def _try_again(self) -> None:
        """Another try for those set aside whose time has come, each alone."""
        started = time.monotonic()
        due = [one for one in self._aside.values() if one.next_try <= started]
        for one in sorted(due, key=lambda one: one.next_try):
            await self._record([one.result])
            if time.monotonic() - started > TURN:
                return

    def _set_aside(self, result: Result, state: str | None) -> None:
        one = self._aside.get(_key(result))
        if one is None:
            one = self._aside[_key(result)] = _Aside(result, 0.0, 0)
        one.next_try = time.monotonic() + min(LAST_RETRY, FIRST_RETRY * 2 ** min(one.tries, 10))
        one.tries += 1
        if self._delayed.passes():
            log.warning(
                "a result cannot be recorded now, trying again",
                message_id=result["message_id"],
                code=state,
                waiting=len(self._aside),
                others=self._delayed.take(),
            )

    def _done(self, result: Result) -> None:
        self._aside.pop(_key(result), None)

    async def _record_as_unknown(self, result: Result, exc: psycopg.Error) -> None:
        """What became of the message is not known to the database, so that is what it is told."""
        state = exc.sqlstate or type(exc).__name__
        unknown = {
            "message_id": result["message_id"],
            "attempt": result["attempt"],
            "outcome": "unknown",
            "scope": "recipient",
            "error_code": "RESULT_REFUSED",
            "error_message": f"The database refused the sender's answer ({state}).",
        }
        try:
            [row] = await self._database.record_results(self._worker, [unknown])
            is_dropped = row["reason"] is not None and row["status"] != "unknown"
        except psycopg.Error as second:
            if _is_everybodys(second):
                raise
            if not _is_of_content(second.sqlstate):
                # that it is refused is known: what is tried again is this
                self._done(result)
                self._set_aside(unknown, second.sqlstate)
                return
            is_dropped = True
        self._refused(result, state, is_dropped=is_dropped)

    def _refused(self, result: Result, state: str, *, is_dropped: bool) -> None:
        self._done(result)
        self.refused += 1
        if self._seldom.passes():
            log.error(
                "a result was refused and dropped, its lease will expire"
                if is_dropped
                else "a result was refused and recorded as unknown",
                message_id=result["message_id"],
                attempt=result["attempt"],
                code=state,
                others=self._seldom.take(),
            )


def _is_everybodys(exc: BaseException) -> bool:
    """Whether the whole batch fails for it, whatever is in it."""
    state = getattr(exc, "sqlstate", None) or ""
    return is_of_server(exc) and not state.startswith(_OF_CODE)


def _is_of_content(state: str | None) -> bool:
    # Without a state it never got to the server: psycopg could not write it.
    return state is None or state.startswith(_OF_CONTENT)


def _key(result: Result) -> tuple[int, int]:
    return result["message_id"], result["attempt"]


def _sentence(exc: BaseException) -> str:
    # The database may quote what it refuses.
    return safe_text((str(exc).strip() or type(exc).__name__).splitlines()[0])
