"""Listens for what applications and planning announce, and wakes the parts that care."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import structlog

from .database import Database, connect
from .sweeps import Bell

log = structlog.get_logger("pgdrip.listener")

# Seconds without a notification after which the connection is asked whether it still lives.
PROBE = 30.0

# What a notification about devices looks like: a mark, and numbers that it hides.
_SEALED = re.compile(r"[0-9a-f]{16}(?:,[0-9a-f]{1,16}){1,401}")

# Seconds in which notifications gather for one call of wake_devices, and how many of them at most;
# with more, all devices are looked at.
GATHER = 0.005
MOST_SEALED = 500

Handler = Callable[[str], None]


class DeviceWaker:
    """Turns notifications about devices into calls of ``wake_devices``, then lets ``look``."""

    def __init__(self, database: Database, look: asyncio.Event) -> None:
        self._database = database
        self._look = look
        self._sealed: set[str] = set()
        self._all = False
        self._bell = Bell(self._wake, GATHER)

    def wake_all(self) -> None:
        """Have every device looked at."""
        self._all = True
        self._bell.ring()

    def wake(self, payload: str) -> None:
        """Wake the devices of a notification, which the database has sealed and opens itself.

        Any login may notify: what does not look like ours is dropped here, what does and is not
        names nothing there.
        """
        if not _SEALED.fullmatch(payload):
            return
        if len(self._sealed) < MOST_SEALED:
            self._sealed.add(payload)
        else:
            self._all = True
        self._bell.ring()

    async def run(self) -> None:
        """Serve for ever; raises what the database raises, and forgets no device by that."""
        await self._bell.run()

    async def _wake(self) -> None:
        sealed = [] if self._all else sorted(self._sealed)
        self._sealed.clear()
        self._all = False
        try:
            await self._database.wake_devices(sealed)
        except BaseException:
            self._all = True
            raise
        self._look.set()


async def listen(
    url: str, application_name: str, handlers: Mapping[str, Handler], connected: Callable[[], None]
) -> None:
    """Call ``handlers[channel](payload)`` for each notification; raises when the connection ends.

    ``connected`` is called once LISTEN stands: whatever was announced before is to be looked up.
    """
    connection = await connect(url, application_name)
    try:
        for channel in handlers:
            await connection.execute(f"listen {channel}")  # names of ours, not of a user
        connected()
        log.debug("listening", channels=list(handlers))
        while True:
            async for notification in connection.notifies(timeout=PROBE):
                handlers[notification.channel](notification.payload)
            await connection.execute("select 1")
    finally:
        # A lost connection may hang in its own farewell.
        async with asyncio.timeout(2):
            await connection.close()
