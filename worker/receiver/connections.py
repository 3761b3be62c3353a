"""Connections of strangers: a bound for all, paid by the peer that has most, and strict heads."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from dataclasses import dataclass
from typing import Any

import h11
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIME = 10.0  # seconds in which the head of a request must arrive
MOST_CONNECTIONS = 2_000
SPARE_FILES = 100  # of the files that the process may open, for the database and the rest


def most_connections() -> int:
    """How many connections this process may hold; raises its limit of open files for them."""
    try:
        import resource
    except ImportError:  # a system without such limits
        return MOST_CONNECTIONS
    wanted = MOST_CONNECTIONS + 2 * SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    if soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
        except (OSError, ValueError):
            pass
    return max(min(MOST_CONNECTIONS, soft - SPARE_FILES), 10)


def peer_of(client: Any) -> str:
    """Who is at the other end: an address, of IPv6 the network that one customer gets.

    Never what a header says: behind a proxy all requests come from one peer, its oldest unfinished
    ones make room, and those are the slow ones.
    """
    host = str(client[0]) if client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Crowd:
    """The open connections. Beyond a number of them, the peer with the most makes room for each.

    Only one whose sender owes us something is closed: the rest of a request, or the next one. A
    request that has come in whole is answered; where all are, the new one goes. So uvicorn's own
    limit, which answers 503 to whoever comes next, is not set.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[Protocol] = set()
        # in the order in which they began to wait
        self._waiting: dict[str, dict[Protocol, None]] = {}
        self.closed = 0

    def enter(self, connection: Protocol) -> None:
        """A new connection; another one may be closed for it."""
        self._open.add(connection)
        self.wait(connection)
        if len(self._open) > self._most:
            self._make_room()

    def leave(self, connection: Protocol) -> None:
        """The connection is gone."""
        self._open.discard(connection)
        self.answer(connection)

    def wait(self, connection: Protocol, *, anew: bool = False) -> None:
        """The connection waits for its sender; ``anew``: from now on."""
        if connection not in self._open:
            return
        waiting = self._waiting.setdefault(connection.peer, {})
        if anew:
            waiting.pop(connection, None)
        waiting.setdefault(connection)

    def answer(self, connection: Protocol) -> None:
        """Its request is here; now it is our turn."""
        waiting = self._waiting.get(connection.peer)
        if waiting is not None:
            waiting.pop(connection, None)
            if not waiting:
                del self._waiting[connection.peer]

    def _make_room(self) -> None:
        if self._waiting:
            crowd = max(self._waiting.values(), key=len)
            oldest = next(iter(crowd))
            self.closed += 1
            self.leave(oldest)
            oldest.transport.abort()


class Protocol(H11Protocol):
    """HTTP/1.1 for strangers: the head of a request must arrive in time, not its first byte alone,
    and a crowd has no more than its share.
    """

    crowd: Crowd  # set by the subclass that a receiver makes
    peer = ""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = peer_of(self.client)
        self.crowd.enter(self)
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.crowd.wait(self, anew=True)  # a request begins
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            if self.conn.their_state is not h11.SEND_BODY:
                self.crowd.answer(self)
        # A connection that merely rests has uvicorn's time, which is longer.
        elif self.conn.trailing_data[0] or self.conn.their_state is not h11.IDLE:
            self._arm()

    def on_response_complete(self) -> None:
        self.crowd.wait(self, anew=True)
        super().on_response_complete()

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIME, self._give_up)

    def _give_up(self) -> None:
        self.timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)


class TooMuch(Exception):
    """There is no room for this body."""


@dataclass(eq=False, slots=True)
class Reading:
    """A body that is coming in, and what ends it before its time."""

    peer: str
    limit: asyncio.Timeout
    size: int = 0
    is_dropped: bool = False


class Memory:
    """Bytes of bodies in memory. Beyond a number, the peer that holds most loses its oldest one.

    A body that is dropped sees its time-out. One that has come in whole stays until it is released.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._total = 0
        self._readings: dict[str, dict[Reading, None]] = {}
        self._sizes: Counter[str] = Counter()

    def begin(self, reading: Reading) -> None:
        """A body begins."""
        self._readings.setdefault(reading.peer, {})[reading] = None

    def add(self, reading: Reading, size: int) -> None:
        """So many bytes more of it; raises :class:`TooMuch` when it is the one that must go."""
        if reading.is_dropped:
            raise TooMuch
        reading.size += size
        self._total += size
        self._sizes[reading.peer] += size
        while self._total > self._most:
            victim = self._oldest_of_the_largest()
            if victim is None or victim is reading:
                raise TooMuch
            self.release(victim)
            victim.is_dropped = True
            if not victim.limit.expired():  # else it ends by itself, and must not be moved
                victim.limit.reschedule(asyncio.get_running_loop().time())

    def finish(self, reading: Reading) -> None:
        """It has come in whole and is not taken away any more."""
        readings = self._readings.get(reading.peer, {})
        if reading in readings:
            del readings[reading]
            self._sizes[reading.peer] -= reading.size
            if not readings:
                del self._readings[reading.peer]
                del self._sizes[reading.peer]

    def release(self, reading: Reading) -> None:
        """Its bytes are free again."""
        self.finish(reading)
        self._total -= reading.size
        reading.size = 0

    def _oldest_of_the_largest(self) -> Reading | None:
        if not self._readings:
            return None
        largest = max(self._readings, key=lambda peer: self._sizes[peer])
        return next(iter(self._readings[largest]))


class StrictHeads:
    """Refuses a request whose length is given twice, before anybody reads it.

    HTTP lets a server take the chunks for the truth. A proxy in front may take the length instead,
    and then the two do not agree on where the next request begins.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        names = [name for name, _ in scope["headers"]]
        if b"content-length" in names and b"transfer-encoding" in names:
            refusal = PlainTextResponse(
                "A request has a length or comes in chunks, not both.",
                400,
                {"connection": "close"},
            )
            await refusal(scope, receive, send)
            return
        await self._application(scope, receive, send)
