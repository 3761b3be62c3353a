"""One message on its way to an answer: the same for both interfaces, faults included."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from aiohttp import web

from .state import Device, Interface, ReceivedMessage, State

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Faults after which WhatsApp has the message all the same: the answer is lost, the message is not.
_TAKEN = frozenset(
    {
        "timeout_504",
        "odd_answer",
        "reset_after",
        "no_send_response",
        "disconnected_after",
        "bare_deadline",
    }
)


class Dialect(Protocol):
    """How an interface words its answers."""

    interface: Interface

    def new_id(self, phone: str) -> str:
        """An id for a message to this phone."""

    def accept(self, message: ReceivedMessage) -> web.Response:
        """The answer to a message that was taken."""

    def refuse(self, fault: str) -> web.Response:
        """The answer to a message that met a fault."""


def counted(state: State, handler: Handler) -> Handler:
    """The handler of a send, counted while it runs."""

    async def handle(request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler runs in a task
        state.handling.add(task)
        state.max_in_flight = max(state.max_in_flight, len(state.handling))
        try:
            return await handler(request)
        finally:
            state.handling.discard(task)

    return handle


async def hand_over(
    state: State,
    dialect: Dialect,
    request: web.Request,
    device: Device,
    message: ReceivedMessage,
    refusal: web.Response | None,
) -> web.StreamResponse:
    """Decide and answer a message; ``refusal``: what validation says against it."""
    exchange = _Exchange(state, dialect, request, device, message)
    if refusal is not None:
        return await exchange.answer("invalid", refusal)
    if not device.is_usable:
        return await exchange.refuse("logged_out")
    delay, fault = state.draw(message.phone.removeprefix("+"), dialect.interface)
    if delay:
        await asyncio.sleep(delay)
    if fault is None:
        return await exchange.accept()
    if fault in ("logged_out", "session_gone"):
        device.is_logged_in = False
    elif fault == "timeout_504":
        await asyncio.sleep(state.settings.gateway_timeout)
    elif fault == "hang":
        return await exchange.hang(state.settings.hang_seconds)
    elif fault in ("reset_before", "reset_after"):
        return exchange.reset(fault)
    return await exchange.refuse(fault)


class _Exchange:
    """Answers one message. Counters of before a reset are left behind with it."""

    def __init__(
        self,
        state: State,
        dialect: Dialect,
        request: web.Request,
        device: Device,
        message: ReceivedMessage,
    ) -> None:
        self._state = state
        self._dialect = dialect
        self._request = request
        self._message = message
        self._counters = (state.counts, device.counts)

    async def accept(self) -> web.StreamResponse:
        self._settle("accepted", accepted=True)
        return await self._send(self._dialect.accept(self._message))

    async def refuse(self, fault: str) -> web.StreamResponse:
        self._settle(fault, accepted=fault in _TAKEN)
        return await self._send(self._dialect.refuse(fault))

    async def answer(self, outcome: str, response: web.Response) -> web.StreamResponse:
        self._settle(outcome)
        return await self._send(response)

    async def hang(self, seconds: float | None) -> web.StreamResponse:
        """Hold the request until it is released, its time is over or the client is gone."""
        state = self._state
        released = state.released
        deadline = None if seconds is None else time.monotonic() + seconds
        state.held += 1
        self._settle("hang")
        try:
            while not released.is_set() and not self._client_is_gone():
                wait = 1.0
                if deadline is not None:
                    wait = min(wait, deadline - time.monotonic())
                    if wait <= 0:
                        break
                with suppress(TimeoutError):
                    await asyncio.wait_for(released.wait(), wait)
        finally:
            if self._counters[0] is state.counts:
                state.held -= 1
        if self._client_is_gone():
            return self.reset("hang")
        return await self.accept()

    def reset(self, fault: str) -> web.StreamResponse:
        """Cut the connection without an answer."""
        self._settle(fault, accepted=fault in _TAKEN)
        transport = self._request.transport
        if transport is not None:
            connection = transport.get_extra_info("socket")
            if connection is not None:
                # Linger zero: the client sees a reset, not an orderly end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return web.Response()

    async def _send(self, response: web.Response) -> web.StreamResponse:
        if self._client_is_gone():
            return response
        try:
            await response.prepare(self._request)
            await response.write_eof()
        except ConnectionError:
            return response
        self._message.answered = True
        for counts in self._counters:
            counts.answered += 1
        self._state.changed()
        return response

    def _settle(self, outcome: str, *, accepted: bool = False) -> None:
        message = self._message
        for counts in self._counters:
            if message.outcome != "waiting":
                counts.outcomes[message.outcome] -= 1
            counts.outcomes[outcome] += 1
            counts.accepted += accepted
        message.outcome = outcome
        message.accepted = accepted
        if accepted:
            message.message_id = self._dialect.new_id(message.phone)
            if self._counters[0] is self._state.counts:
                self._state.on_accepted(message)
        self._state.changed()

    def _client_is_gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()
