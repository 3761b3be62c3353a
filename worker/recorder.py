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
# program, a sentence of ours. The same classes whoever raises them.
_OF_CONTENT = ("21", "22", "23", "54", "DR", "P0")
# Any other refusal may pass: a result that stands alone is tried so often, and for so many seconds
# while nothing else can be recorded either. The lease of its message lasts little longer.
TRIES = 5
PATIENCE = 60.0

Result = dict[str, Any]


@dataclass(slots=True)
class _Aside:
    """A result that the database has refused alone, for a reason that may pass."""

    result: Result
    since: float
    next_try: float
    tries: int = 1


class Recorder:
    """Takes results as they come and hands them to ``record_results`` in batches.

    A batch that fails because of the server is tried again until it succeeds. A batch that the
    database refuses is halved until a bad result is alone, so that it holds no other. That one is
    recorded as ``unknown``, with the reason; if even that is refused, it is dropped, and its lease
    lapses.
    """

    def __init__(self, database: Database, worker: str, recorded: asyncio.Event) -> None:
        self._database = database
        self._worker = worker
        self._recorded = recorded  # set after each flush: devices may have become free
        self._queue: deque[Result] = deque()
        self._aside: list[_Aside] = []
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._seldom = Seldom(COMPLAIN)
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
                aside = {id(one.result) for one in self._aside}
                self._queue.extendleft(one for one in reversed(batch) if id(one) not in aside)
                self._some.set()
                if not is_of_server(exc):
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
                # Where nothing at all is recorded, the trouble is not one result's.
                self.failing = bool(self._aside) and self.count + self.refused == before
                delay = FIRST_RETRY
                self._recorded.set()

    async def _wait(self) -> None:
        """Until there is a new result, or the time of one that was set aside has come."""
        if not self._queue:
            if not self._closing:
                self._some.clear()
            next_try = min((one.next_try for one in self._aside), default=None)
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
            if is_of_server(exc):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._record(batch[:middle])
                await self._record(batch[middle:])
            elif _is_of_content(exc):
                await self._record_as_unknown(batch[0], exc)
            else:
                now = time.monotonic()
                self._aside.append(_Aside(batch[0], now, now + FIRST_RETRY))
        else:
            self.count += len(batch)

    async def _try_again(self) -> None:
        """Another try for those set aside whose time has come, each alone."""
        now = time.monotonic()
        for one in [one for one in self._aside if one.next_try <= now]:
            try:
                await self._hand_over([one.result])
            except psycopg.Error as exc:
                if is_of_server(exc):
                    raise
                one.tries += 1
                one.next_try = now + min(LAST_RETRY, FIRST_RETRY * 2**one.tries)
                # While nothing else can be recorded either, it is not this one's fault.
                may_pass = self.failing or one.tries <= TRIES
                if may_pass and not _is_of_content(exc) and now - one.since < PATIENCE:
                    continue
                await self._record_as_unknown(one.result, exc)
            else:
                self.count += 1
            self._aside.remove(one)

    async def _record_as_unknown(self, result: Result, exc: psycopg.Error) -> None:
        """What became of the message is not known to the database, so that is what it is told."""
        code = exc.sqlstate or type(exc).__name__
        unknown = {
            "message_id": result.get("message_id"),
            "attempt": result.get("attempt"),
            "outcome": "unknown",
            "scope": "recipient",
            "error_code": "RESULT_REFUSED",
            "error_message": f"The database refused the sender's answer ({code}).",
        }
        is_dropped = False
        try:
            await self._hand_over([unknown])
        except psycopg.Error as second:
            if is_of_server(second):
                raise
            is_dropped = True
        self.refused += 1
        if self._seldom.passes():
            log.error(
                "a result was refused and dropped, its lease will lapse"
                if is_dropped
                else "a result was refused and recorded as unknown",
                message_id=unknown["message_id"],
                attempt=unknown["attempt"],
                code=code,
                error=_sentence(exc),
                others=self._seldom.take(),
            )

    async def _hand_over(self, batch: list[Result]) -> None:
        for row in await self._database.record_results(self._worker, batch):
            if not row["applied"]:
                log.info(
                    "a result came late",
                    message_id=row["message_id"],
                    status=row["status"],
                )


def _is_of_content(exc: psycopg.Error) -> bool:
    # Without a state it never got to the server: psycopg could not write it.
    return exc.sqlstate is None or exc.sqlstate.startswith(_OF_CONTENT)


def _key(result: Result) -> tuple[int, int]:
    return result["message_id"], result["attempt"]


def _sentence(exc: BaseException) -> str:
    # The database may quote what it refuses.
    return safe_text((str(exc).strip() or type(exc).__name__).splitlines()[0])
