"""The sweeps: database functions that do one chunk and say what remains."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import structlog

from .database import Database, has_ended_session

log = structlog.get_logger("pgdrip.sweeps")

# The one whose time depends on what it finds: an audience may be slow.
PLANNING = "expand_campaigns"

# Those that a large campaign keeps busy for a long time go beside the claims of all devices: by
# chunks of so many leads, each followed by a rest of so many times its length. On two cores with
# four claimers 6 % of claims take twice the usual time without a campaign, 13 to 17 % beside one
# whose rests are as long as its chunks, 8 to 14 % at three times; the size of the chunk makes no
# difference. 500,000 leads are planned in about two minutes, much faster than any phones send.
LARGE = {"expand_campaigns", "sweep_campaigns"}
CHUNK = 1_000
RESTS = 3

# A sweep that never gets to the end must not keep a job for ever; the next one goes on.
MOST_CHUNKS = 10_000

# Seconds for which a campaign is left alone whose planning ended a session and on which that could
# not be noted, since somebody holds its row.
LEFT_ALONE = 60.0

# Of each worker's pool: until when which campaigns are left alone.
_lost_ones: WeakKeyDictionary[Database, defaultdict[int, float]] = WeakKeyDictionary()

# Of each worker's pool: the large sweeps that run, and whether another was asked for meanwhile.
_large_ones: WeakKeyDictionary[Database, dict[str, bool]] = WeakKeyDictionary()


async def sweep(database: Database, function: str) -> int:
    """Call ``drip.<function>()`` until nothing remains, a transaction a chunk; returns the chunks.

    Several workers may run the same sweep at once: each takes what the others have not locked.
    Within one worker a large sweep runs once, for a second would work while the first one rests:
    it returns 0, and the first one looks once more before it ends.
    """
    if function not in LARGE:
        return await _sweep(database, function)
    asked_again = _large_ones.setdefault(database, {})
    if function in asked_again:
        asked_again[function] = True
        return 0
    chunks = 0
    try:
        asked_again[function] = True
        while asked_again[function]:
            asked_again[function] = False
            chunks += await _sweep(database, function)
    finally:
        del asked_again[function]
    return chunks


async def _sweep(database: Database, function: str) -> int:
    arguments = (CHUNK,) if function in LARGE else ()
    for chunk in range(1, MOST_CHUNKS + 1):
        begun = time.monotonic()
        if function == PLANNING:
            rows = await _plan(database)
        else:
            rows = await database.call(function, *arguments)
        remaining = rows[0].get("remaining") if rows else None
        if not remaining:
            return chunk
        if function in LARGE:
            await asyncio.sleep(RESTS * (time.monotonic() - begun))
    log.warning("a sweep left work for the next run", sweep=function)
    return MOST_CHUNKS


async def _plan(database: Database) -> list[dict[str, Any]]:
    """Plan a chunk of the campaign that is due longest.

    An audience is code of others and can end the session that reads it. Then its campaign is to
    blame, for no other was planned there, and the next one is served.
    """
    left_alone = _lost_ones.setdefault(database, defaultdict(float))
    campaigns, started = await database.list_due_campaigns()
    for campaign in campaigns:
        if left_alone[campaign] > time.monotonic():
            continue
        try:
            rows = await database.call_patiently(PLANNING, CHUNK, campaign)
        except psycopg.Error as exc:
            if not has_ended_session(exc):
                raise
            if await database.server_started() != started:
                raise
            error = (str(exc).strip() or type(exc).__name__).splitlines()[0]
            log.error("planning a campaign ended its session", campaign_id=campaign, error=error)
            noted = await database.call("note_lost_planning", campaign, error)
            if not noted or not noted[0]["is_noted"]:
                left_alone[campaign] = time.monotonic() + LEFT_ALONE
            continue
        left_alone.pop(campaign, None)
        if rows:
            return rows
    return []


async def run_tick(database: Database) -> None:
    """Do a chunk of every sweep, and the rest of those that say that something remains."""
    for row in await database.call("tick", plan=False):
        if row["error"]:
            log.error("a sweep failed", sweep=row["task"], error=row["error"])
        elif row["remaining"]:
            await sweep(database, row["task"])
    # A transaction of its own: until it commits nobody reads a view.
    await database.call("clear_bound_tenants")
    # Apart from the others, whose transaction an audience could end.
    await sweep(database, PLANNING)


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
