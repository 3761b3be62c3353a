"""Gateways on loopback for tests of senders: a raw socket, and a server that answers like Meta."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


class RawGateway:
    """A socket that reads one whole request and then does what the test says."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []


@asynccontextmanager
async def raw_gateway(reply: Reply) -> AsyncIterator[RawGateway]:
    gateway = RawGateway()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway.writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        gateway.requests.append((first, headers, body))
        await reply(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        server.close()
        for writer in gateway.writers:
            writer.close()


def http_reply(status: int, body: object, headers: str = "") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(
            f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(raw)}\r\n{headers}\r\n".encode()
            + raw
        )
        await writer.drain()

    return reply


async def cut(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()


async def say_nothing(_: asyncio.StreamWriter) -> None:
    return


@dataclass(frozen=True)
class MetaRequest:
    """A request as Meta got it; `body` is its JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class MetaServer:
    """Answers every request with one status and body, and keeps what it got."""

    def __init__(self, status: int, body: Any) -> None:
        self._status = status
        self._body = body
        self.url = ""
        self.requests: list[MetaRequest] = []

    async def _serve(self, request: web.Request) -> web.Response:
        self.requests.append(
            MetaRequest(
                request.method,
                request.path_qs,
                {name.lower(): value for name, value in request.headers.items()},
                await request.json() if request.can_read_body else None,
            )
        )
        return web.json_response(self._body, status=self._status)


@asynccontextmanager
async def meta_server(status: int = 200, body: Any = None) -> AsyncIterator[MetaServer]:
    """The server, by default one that accepts; its `url` is a device's endpoint."""
    server = MetaServer(status, meta_accepts() if body is None else body)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server._serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v25.0"
    try:
        yield server
    finally:
        await runner.cleanup()


def meta_accepts(message_id: str = "wamid.HBgM", **message: str) -> dict[str, Any]:
    """What Meta says when it takes a message."""
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "60123456789", "wa_id": "60123456789"}],
        "messages": [{"id": message_id, **message}],
    }


def meta_error(code: Any, message: str = "", details: str | None = None) -> dict[str, Any]:
    """What Meta says when something is wrong."""
    error: dict[str, Any] = {
        "message": message or f"(#{code}) It did not work",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "AbC",
    }
    if details is not None:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return {"error": error}
