"""The sweeps: database functions that do one chunk and say what remains."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from .database import Database

log = structlog.get_logger("pgdrip.sweeps")

# The one whose time depends on what it finds: an audience may be slow.
PLANNING = "expand_campaigns"

# A sweep that never gets to the end must not keep a job for ever; the next one goes on.
MOST_CHUNKS = 10_000


async def sweep(database: Database, function: str) -> int:
    """Call ``drip.<function>()`` until nothing remains, a transaction a chunk; returns the chunks.

    Several workers may run the same sweep at once: each takes what the others have not locked.
    """
    for chunk in range(1, MOST_CHUNKS + 1):
        rows = await (
            database.call_patiently(function) if function == PLANNING else database.call(function)
        )
        remaining = rows[0].get("remaining") if rows else None
        if not remaining:
            return chunk
    log.warning("a sweep left work for the next run", sweep=function)
    return MOST_CHUNKS


async def run_tick(database: Database) -> None:
    """Do a chunk of every sweep, and the rest of those that say that something remains."""
    for row in await database.call_patiently("tick"):
        if row["error"]:
            log.error("a sweep failed", sweep=row["task"], error=row["error"])
        elif row["remaining"]:
            await sweep(database, row["task"])


class Bell:
    """Runs ``work`` soon after :meth:`ring`; rings while it runs make it run once more.

    ``gather`` seconds pass between the first ring and the run, so that a burst is one run.
    """

    def __init__(self, work: Callable[[], Awaitable[object]], gather: float) -> None:
        self._work = work
        self._gather = gather
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Ask for a run."""
        self._rung.set()

    async def run(self) -> None:
        """Serve the rings for ever; what ``work`` raises comes out, and the ring is kept."""
        while True:
            await self._rung.wait()
            await asyncio.sleep(self._gather)
            self._rung.clear()
            try:
                await self._work()
            except BaseException:
                self._rung.set()
                raise
