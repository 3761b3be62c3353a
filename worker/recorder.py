"""Records outcomes in batches, and never loses one while the process lives."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Any

import psycopg
import structlog

from .database import LOST, Database

log = structlog.get_logger("pgdrip.recorder")

FLUSH_AFTER = 0.02  # seconds a result waits for company
FLUSH_SIZE = 200  # results that are flushed without waiting
MAX_BATCH = 500  # results in one call
FIRST_RETRY = 0.1  # seconds, doubled with each failure
LAST_RETRY = 10.0

Result = dict[str, Any]


class Recorder:
    """Takes results as they come and hands them to ``record_results`` in batches.

    A batch that fails because the server is gone is tried again until it succeeds. A batch that
    the database refuses is taken apart, so that one bad result does not hold the others; a single
    refused result is set aside and tried again with every later flush.
    """

    def __init__(self, database: Database, worker: str, recorded: asyncio.Event) -> None:
        self._database = database
        self._worker = worker
        self._recorded = recorded  # set after each flush: devices may have become free
        self._queue: deque[Result] = deque()
        self._refused: list[Result] = []
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self.failing = False  # the last flush failed: claim nothing more for now
        self.count = 0

    @property
    def backlog(self) -> int:
        """Results that are not recorded yet."""
        return len(self._queue) + len(self._refused)

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
            await self._some.wait()
            if not self._queue:
                if self._closing:
                    return
                self._some.clear()
                continue
            if not self._closing and len(self._queue) < FLUSH_SIZE:
                self._full.clear()
                try:
                    async with asyncio.timeout(FLUSH_AFTER):
                        await self._full.wait()
                except TimeoutError:
                    pass
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            batch += self._refused
            self._refused = []
            # In id order: batches of several workers then cannot deadlock.
            batch.sort(key=_key)
            try:
                await self._record(batch)
            except BaseException as exc:
                # Whatever of the batch was recorded already is recorded again: the fence makes
                # that harmless.
                self._queue.extendleft(reversed(batch))
                self._some.set()
                if not isinstance(exc, LOST):
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
                self.failing = False
                delay = FIRST_RETRY
                self._recorded.set()

    async def _record(self, batch: list[Result]) -> None:
        try:
            rows = await self._database.record_results(self._worker, batch)
        except LOST:
            raise
        except psycopg.Error as exc:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._record(batch[:middle])
                await self._record(batch[middle:])
                return
            log.error(
                "a result was refused, keeping it",
                message_id=batch[0].get("message_id"),
                attempt=batch[0].get("attempt"),
                error=_sentence(exc),
            )
            self._refused.append(batch[0])
            return
        self.count += len(batch)
        for row in rows:
            if not row["applied"]:
                log.info(
                    "a result came late",
                    message_id=row["message_id"],
                    status=row["status"],
                )


def _key(result: Result) -> tuple[int, int]:
    return result["message_id"], result["attempt"]


def _sentence(exc: BaseException) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]
