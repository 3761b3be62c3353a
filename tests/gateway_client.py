"""A client of the gateway simulator, and a receiver of its webhooks, both over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import web

from pgdrip.simulator import Simulator

PHONE = "60123456789@s.whatsapp.net"
SECRET = "s3cr3t of the test"
NUMBER = "106540352242922"


class Client:
    """A client that says what it got: status and JSON."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.get(path, **options) as response:
            return response.status, await response.json()

    async def post(self, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        async with self.session.post(path, json=body, **options) as response:
            return response.status, await response.json()

    async def text(
        self, phone: str = PHONE, text: str = "Hi", device: str = "a"
    ) -> tuple[int, Any]:
        body = {"phone": phone, "message": text}
        return await self.post("/send/message", body, headers={"X-Device-Id": device})

    async def meta(
        self, body: object = None, number: str = NUMBER, **options: Any
    ) -> tuple[int, Any]:
        return await self.post(f"/v25.0/{number}/messages", body or meta_text(), **options)

    async def media(
        self, kind: str, fields: dict[str, str | bytes], device: str = "a"
    ) -> tuple[int, Any]:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in fields.items():
            if isinstance(value, bytes):
                form.add_field(name, value, filename="a.bin")
            else:
                form.add_field(name, value)
        async with self.session.post(
            f"/send/{kind}", data=form, headers={"X-Device-Id": device}
        ) as response:
            return response.status, await response.json()


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[tuple[Simulator, Client]]:
    async with (
        Simulator(**options) as gateway,
        aiohttp.ClientSession(gateway.url) as session,
    ):
        yield gateway, Client(session)


@dataclass(frozen=True)
class Received:
    """One webhook as it came."""

    path: str
    raw: bytes
    signature: str | None

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def is_signed(self) -> bool:
        digest = hmac.new(SECRET.encode(), self.raw, hashlib.sha256).hexdigest()
        return self.signature == f"sha256={digest}"


class Receiver:
    """Takes webhooks. ``answers``: the status of the next ones, then 200; 0 gives no answer."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[int] = []
        self.times: list[float] = []
        self.open = self.most_open = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._came = asyncio.Condition()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            raw = await request.read()
            await self.gate.wait()
            status = self.answers.pop(0) if self.answers else 200
            self.times.append(asyncio.get_running_loop().time())
            self.got.append(Received(request.path, raw, request.headers.get("X-Hub-Signature-256")))
            async with self._came:
                self._came.notify_all()
            if not status and request.transport is not None:
                request.transport.abort()
            return web.Response(status=status or 200)
        finally:
            self.open -= 1

    async def wait(self, condition: int | Callable[[], bool]) -> None:
        """Until so many webhooks came, or until the condition holds after one came."""

        def holds() -> bool:
            return condition() if callable(condition) else len(self.got) >= condition

        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(holds)

    def events(self) -> list[str]:
        """What came, in a word each: delivered, read, sent, failed, or what was said.

        Sorted: twenty connections keep no order.
        """
        return sorted(word for received in self.got for word in words(received.body))

    def find(self, word: str) -> Received:
        """The one webhook that says this."""
        (found,) = (received for received in self.got if word in words(received.body))
        return found


def words(body: dict[str, Any]) -> list[str]:
    """The receipts and messages of a webhook of either kind."""
    if "event" in body:
        payload = body["payload"]
        if body["event"] == "message.ack":
            return [payload["receipt_type"]] * len(payload["ids"])
        return [payload["body"] if body["event"] == "message" else body["event"]]
    value = body["entry"][0]["changes"][0]["value"]
    found = [status["status"] for status in value.get("statuses", [])]
    found += [message["type"] for message in value.get("messages", [])]
    return found + [f"prefers {each['value']}" for each in value.get("user_preferences", [])]


@asynccontextmanager
async def posting(
    options: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Simulator, Client, Receiver]]:
    """A gateway with webhooks into a receiver; contacts do everything at once unless told."""
    at_once = {"delivered_after": 0, "read_after": 0, "reply_after": 0, "read_rate": 0}
    async with Receiver() as receiver, running(**options or {}) as (gateway, client):
        gateway.configure(
            **{
                **at_once,
                "webhook_base": receiver.url,
                "webhook_targets": {"a": "device/1", NUMBER: "device/2"},
                "webhook_secret": SECRET,
                "webhook_pause": 0.01,
                **settings,
            }
        )
        yield gateway, client, receiver


def meta_text(**more: Any) -> dict[str, Any]:
    """A text message as Meta's interface takes it."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "60123456789",
        "type": "text",
        "text": {"body": "Hi"},
        **more,
    }
