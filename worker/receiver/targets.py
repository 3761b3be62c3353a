"""Whom webhooks are addressed to: looks devices and accounts up."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import psycopg

from .intake import Line, Unavailable

REMEMBER = 3.0  # seconds for which a device or account is not looked up again
MOST_REMEMBERED = 10_000

_FIND = "select t.* from drip.find_webhook_target(%s, %s) t"
_LIST = "select t.* from drip.list_webhook_targets() t"
_PROBE = (
    "select pg_catalog.current_setting('transaction_read_only')::boolean as is_read_only,"
    " (select count(*) from drip.find_webhook_target('device', 0)) as targets"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A device or account that webhooks are addressed to."""

    kind: str
    id: int
    platform: str
    webhook_secret_name: str | None
    verify_token_secret_name: str | None
    status: str


class Targets:
    """Looks devices and accounts up, and remembers the answers for a few seconds."""

    def __init__(self, url: str) -> None:
        self._line = Line(url, "pgdrip receiver lookup")
        self._known: OrderedDict[tuple[str, int], tuple[float, Target | None]] = OrderedDict()
        self._asking: dict[tuple[str, int], asyncio.Task[Target | None]] = {}
        self._probing: asyncio.Task[bool] | None = None

    async def find(self, kind: str, number: int) -> Target | None:
        """The target, or None; raises :class:`Unavailable`. May be cancelled without harm."""
        key = (kind, number)
        known = self._known.get(key)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(task)

    def _asked(self, key: tuple[str, int], task: asyncio.Task[Target | None]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # nobody may be waiting for it any more

    async def _ask(self, key: tuple[str, int]) -> Target | None:
        rows = await self._line.execute(_FIND, key)
        target = _target(rows[0]) if rows else None
        self._known[key] = (time.monotonic() + REMEMBER, target)
        self._known.move_to_end(key)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return target

    async def all(self) -> list[tuple[str, Target]]:
        """Every target with its name."""
        return [(row["name"], _target(row)) for row in await self._line.execute(_LIST)]

    async def probe(self) -> bool:
        """Whether webhooks could be stored now; asks the database, and writes nothing."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe())
        return await asyncio.shield(self._probing)

    async def _probe(self) -> bool:
        try:
            rows = await self._line.execute(_PROBE)
        except (Unavailable, psycopg.Error):
            return False
        if rows[0]["is_read_only"]:
            await self._line.close()  # the next look may find the new primary
            return False
        return True

    async def close(self) -> None:
        """Close the connection."""
        for task in [*self._asking.values(), self._probing]:
            if task is not None:
                task.cancel()
        await self._line.close()


def _target(row: dict[str, Any]) -> Target:
    return Target(
        kind=row["kind"],
        id=row["id"],
        platform=row["platform"],
        webhook_secret_name=row["webhook_secret_name"],
        verify_token_secret_name=row["verify_token_secret_name"],
        status=row["status"],
    )
