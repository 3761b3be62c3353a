"""A WhatsApp gateway of our own on loopback, for trying things out and for tests.

It speaks the HTTP interface of GOWA v9 as far as pgdrip uses it, keeps what it received, shows it
on a page and fails on demand. Nothing leaves the machine.

Beside GOWA's paths: ``GET /`` the page; ``GET /simulator/messages?since=&device=&limit=`` what came
in, oldest first (``since``: a ``seq``, later ones are listed); ``GET /simulator/stats``;
``GET|POST /simulator/settings`` (a POST changes the named fields of :class:`SimulatorSettings`);
``POST /simulator/devices/{id}`` ``{"is_connected", "is_logged_in"}``; ``POST /simulator/release``
lets held requests go; ``POST /simulator/reset`` forgets everything but the settings.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import random
import re
import secrets
import signal
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import PgdripError

T = TypeVar("T")

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3000
KEPT_MESSAGES = 20_000

_BODY_LIMIT = 32 * 1024 * 1024
_TEXT_LIMIT = 65_536
_DEVICE_ID_LIMIT = 200
_RATE_SECONDS = 60

Fault = Literal[
    "not_on_whatsapp",
    "logged_out",
    "timelock",
    "rate_limited",
    "upload_error",
    "error_500",
    "error_502",
    "error_503",
    "timeout_504",
    "odd_answer",
    "hang",
    "reset_before",
    "reset_after",
]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How a fault is answered. ``accepted``: WhatsApp took the message all the same."""

    status: int
    code: str
    text: str
    accepted: bool = False
    retry_after: int | None = None


_REFUSALS: dict[str, _Refusal] = {
    "not_on_whatsapp": _Refusal(400, "INVALID_JID", "the number is not on WhatsApp"),
    "logged_out": _Refusal(401, "AUTHENTICATION_ERROR", "the device is not logged in"),
    "timelock": _Refusal(429, "WA_REACHOUT_TIMELOCK", "no new chats for now (463)"),
    "rate_limited": _Refusal(429, "RATE_LIMITED", "too many requests", retry_after=30),
    "upload_error": _Refusal(500, "UPLOAD_MEDIA_ERROR", "the media could not be uploaded"),
    "error_500": _Refusal(500, "INTERNAL_SERVER_ERROR", "something went wrong"),
    "error_502": _Refusal(502, "BAD_GATEWAY", "bad gateway"),
    "error_503": _Refusal(503, "SERVICE_UNAVAILABLE", "service unavailable"),
    # The worst case of both: the answer is lost, the message is not.
    "timeout_504": _Refusal(504, "GATEWAY_TIMEOUT", "no answer from WhatsApp in time", True),
    "odd_answer": _Refusal(200, "SUCCESS", "sent, without a message id", True),
}


class SimulatorSettings(BaseModel):
    """How the simulated gateway behaves. Assigning to a field takes effect at once."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    latency_min: float = Field(default=0.0, ge=0, le=600, description="Seconds until an answer.")
    latency_max: float = Field(
        default=0.0, ge=0, le=600, description="Seconds; below latency_min it counts as that."
    )
    seed: int = Field(default=1, description="Seed of latencies and failures.")
    rates: dict[Fault, float] = Field(
        default_factory=dict, description="Share of messages that meet a fault, 0 to 1."
    )
    phones: dict[Fault, frozenset[str]] = Field(
        default_factory=dict, description="Phone numbers that always meet a fault."
    )
    gateway_timeout: float = Field(
        default=45.0, ge=0, le=600, description="Seconds until a timeout_504 is answered."
    )
    hang_seconds: float | None = Field(
        default=None, ge=0, description="Seconds a hang is held; null: until released."
    )

    @field_validator("rates")
    @classmethod
    def _are_shares(cls, value: dict[Fault, float]) -> dict[Fault, float]:
        if any(not 0 <= share <= 1 for share in value.values()) or sum(value.values()) > 1 + 1e-9:
            raise ValueError("rates are shares between 0 and 1 that add up to at most 1")
        return value

    @field_validator("phones")
    @classmethod
    def _only_digits(cls, value: dict[Fault, frozenset[str]]) -> dict[Fault, frozenset[str]]:
        return {
            fault: frozenset(re.sub(r"\D", "", phone) for phone in phones)
            for fault, phones in value.items()
        }


@dataclass(slots=True)
class ReceivedMessage:
    """One message as the gateway received it.

    ``outcome`` is ``accepted``, ``invalid`` (refused by validation) or the fault it met, and
    ``waiting`` until that is decided. ``accepted``: WhatsApp has it. ``answered``: the client got
    an answer. ``phone`` is digits with a plus; ``monotonic_ms`` counts from the gateway's start.
    """

    seq: int
    received_at: datetime
    monotonic_ms: float
    device: str
    phone: str
    type: str
    content: str | None = None
    caption: str | None = None
    media_url: str | None = None
    outcome: str = "waiting"
    accepted: bool = False
    answered: bool = False
    message_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The message as /simulator/messages lists it."""
        fields = asdict(self)
        fields["received_at"] = self.received_at.isoformat(timespec="milliseconds")
        fields["monotonic_ms"] = round(self.monotonic_ms, 3)
        return fields


@dataclass(slots=True)
class _Counts:
    """Exact counters; they go on when old messages are forgotten."""

    received: int = 0
    accepted: int = 0
    answered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        settled = {name: count for name, count in self.outcomes.items() if count}
        return {
            "received": self.received,
            "accepted": self.accepted,
            "answered": self.answered,
            "outcomes": settled,
        }


@dataclass(slots=True)
class _Device:
    name: str
    is_connected: bool = True
    is_logged_in: bool = True
    counts: _Counts = field(default_factory=_Counts)
    last_received_at: datetime | None = None
    last_ms: float | None = None
    shortest_gap_ms: float | None = None

    def state(self) -> dict[str, Any]:
        return {
            "id": self.name,
            "is_connected": self.is_connected,
            "is_logged_in": self.is_logged_in,
        }


class _BadRequest(Exception):
    """A request that GOWA refuses by validation."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The fields of a send, as far as they could be read."""

    phone: str
    content: str | None = None
    caption: str | None = None
    media_url: str | None = None
    problem: str | None = None


class Simulator:
    """The gateway, run inside the caller's event loop: ``async with Simulator() as gateway``.

    ``devices``: the only ones it knows; without a list a device appears at its first use.
    ``credentials``: ``user:password`` for Basic authentication of everything but /health.
    ``port`` 0 takes a free one; ``keep`` is the number of messages that stay listed.
    """

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        port: int = 0,
        *,
        settings: SimulatorSettings | None = None,
        devices: Iterable[str] | None = None,
        credentials: str | None = None,
        keep: int = KEPT_MESSAGES,
    ) -> None:
        self.host = host
        self.port = port
        self.settings = settings or SimulatorSettings()
        self._fixed_devices = None if devices is None else tuple(devices)
        self._authorization = (
            None
            if credentials is None
            else b"Basic " + base64.b64encode(credentials.encode("utf-8"))
        )
        self._keep = keep
        self._runner: web.AppRunner | None = None
        self._release = asyncio.Event()
        self._watchers: set[asyncio.Event] = set()
        self._started = time.monotonic()
        self._started_at = datetime.now(UTC)
        self._handling: set[asyncio.Task[Any]] = set()
        self._forget()

    def _forget(self) -> None:
        self._received: deque[ReceivedMessage] = deque(maxlen=self._keep)
        self._seq = 0
        self._counts = _Counts()
        self._types: Counter[str] = Counter()
        self._presences = 0
        self._held = 0
        self._max_in_flight = len(self._handling)
        self._seconds: deque[tuple[int, int]] = deque(maxlen=_RATE_SECONDS)
        self._seeded: int | None = None
        self._random = random.Random()  # noqa: S311 - repeatable on purpose
        self._devices = {name: _Device(name) for name in self._fixed_devices or ()}

    # -- for the owner

    @property
    def url(self) -> str:
        """Base address, for a device's endpoint."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def messages(self) -> list[ReceivedMessage]:
        """What was received, oldest first, as far as it is kept."""
        return list(self._received)

    def configure(self, **changes: Any) -> SimulatorSettings:
        """Change settings by name, all or none; a wrong one raises ``ValueError``."""
        current = self.settings.model_dump()
        self.settings = SimulatorSettings.model_validate({**current, **changes})
        return self.settings

    def set_device(
        self, device: str, *, is_connected: bool | None = None, is_logged_in: bool | None = None
    ) -> None:
        """Connect, disconnect, log in or log out a device."""
        found = self._device(device)
        if found is None:
            raise KeyError(device)
        if is_connected is not None:
            found.is_connected = is_connected
        if is_logged_in is not None:
            found.is_logged_in = is_logged_in

    def release(self) -> int:
        """Answer all held requests; how many there were."""
        count = self._held
        self._release.set()
        self._release = asyncio.Event()
        return count

    def reset(self) -> None:
        """Forget messages, counters and devices; settings stay, held requests are released."""
        self.release()
        self._forget()
        self._changed()

    def stats(self, devices: int | None = None) -> dict[str, Any]:
        """Totals, and the counts of each device (of the ``devices`` last used ones)."""
        now = int(time.monotonic())
        shown = sorted(
            self._devices.values(),
            key=lambda device: (-(device.last_ms or -1), device.name),
        )
        recent = dict(self._seconds)
        return {
            "started_at": self._started_at.isoformat(timespec="milliseconds"),
            "uptime_seconds": round(time.monotonic() - self._started, 3),
            **self._counts.as_json(),
            "waiting": self._counts.received - self._counts.outcomes.total(),
            "held": self._held,
            "in_flight": len(self._handling),
            "max_in_flight": self._max_in_flight,
            "types": dict(self._types),
            "presences": self._presences,
            "per_second": [
                recent.get(second, 0) for second in range(now - _RATE_SECONDS + 1, now + 1)
            ],
            "listed": len(self._received),
            "device_count": len(self._devices),
            "devices": [self._device_json(device) for device in islice(shown, devices)],
        }

    def _device_json(self, device: _Device) -> dict[str, Any]:
        last = device.last_received_at
        gap = device.shortest_gap_ms
        return {
            **device.state(),
            **device.counts.as_json(),
            "last_received_at": None if last is None else last.isoformat(timespec="milliseconds"),
            "shortest_gap_ms": None if gap is None else round(gap, 3),
        }

    async def wait_for(
        self, condition: int | Callable[[Simulator], bool], within: float = 10.0
    ) -> None:
        """Wait until so many messages were received, or until ``condition(self)`` holds.

        Looked at whenever a message comes in or changes its state. ``TimeoutError`` after
        ``within`` seconds.
        """

        def holds() -> bool:
            if callable(condition):
                return condition(self)
            return self._counts.received >= condition

        event = asyncio.Event()
        self._watchers.add(event)
        try:
            async with asyncio.timeout(within):
                while not holds():
                    event.clear()
                    await event.wait()
        except TimeoutError:
            raise TimeoutError(
                f"not within {within:g} s; received {self._counts.received}, "
                f"outcomes {dict(self._counts.outcomes)}"
            ) from None
        finally:
            self._watchers.discard(event)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._authenticate], client_max_size=_BODY_LIMIT)
        app.add_routes(
            [
                web.get("/", self._get_page),
                web.get("/health", self._get_health),
                web.get("/devices", self._get_devices),
                web.get("/devices/{device}/status", self._get_device_status),
                web.get("/user/check", self._check_user),
                web.post("/send/chat-presence", self._send_presence),
                web.get("/simulator/messages", self._get_messages),
                web.get("/simulator/stats", self._get_stats),
                web.get("/simulator/settings", self._get_settings),
                web.post("/simulator/settings", self._post_settings),
                web.post("/simulator/devices/{device}", self._post_device),
                web.post("/simulator/release", self._post_release),
                web.post("/simulator/reset", self._post_reset),
            ]
        )
        for path, kind in (
            ("message", "text"),
            ("image", "image"),
            ("video", "video"),
            ("file", "document"),
            ("audio", "audio"),
        ):
            app.router.add_post(f"/send/{path}", self._receiver(kind))
        for act in ("login", "logout", "reconnect"):
            for method in ("GET", "POST"):
                app.router.add_route(method, f"/devices/{{device}}/{act}", self._device_act(act))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, backlog=1024)
        try:
            await site.start()
        except OSError as exc:
            await self._runner.cleanup()
            raise PgdripError(
                f"The simulator cannot listen on {self.host}:{self.port}: {exc.strerror}.",
                hint="Another program may use the port; choose another one.",
            ) from None
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._handling:
            task.cancel()  # held and waiting requests are cut, not answered
        if self._runner is not None:
            await self._runner.cleanup()

    # -- GOWA's interface

    @web.middleware
    async def _authenticate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self._authorization is not None and request.path != "/health":
            given = request.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, self._authorization):
                return web.Response(
                    status=401,
                    text="Unauthorized",
                    headers={"WWW-Authenticate": 'Basic realm="simulator"'},
                )
        return await handler(request)

    def _device(self, name: str) -> _Device | None:
        device = self._devices.get(name)
        if device is None and self._fixed_devices is None and 0 < len(name) <= _DEVICE_ID_LIMIT:
            device = self._devices[name] = _Device(name)
        return device

    def _named_device(self, request: web.Request) -> _Device | web.Response:
        """The device of a request, or the answer that refuses it."""
        name = request.headers.get("X-Device-Id") or request.query.get("device_id") or ""
        if not name:
            return _answer(400, "DEVICE_ID_REQUIRED", "device id is required")
        return self._device(name) or _answer(404, "DEVICE_NOT_FOUND", "device not found")

    async def _get_health(self, _: web.Request) -> web.Response:
        return _answer(200, "SUCCESS", "ok", {"status": "ok"})

    async def _get_devices(self, _: web.Request) -> web.Response:
        devices = [device.state() for device in self._devices.values()]
        return _answer(200, "SUCCESS", "devices", devices)

    async def _get_device_status(self, request: web.Request) -> web.Response:
        device = self._device(request.match_info["device"])
        if device is None:
            return _answer(404, "DEVICE_NOT_FOUND", "device not found")
        return _answer(200, "SUCCESS", "device status", device.state())

    def _device_act(self, act: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            device = self._device(request.match_info["device"])
            if device is None:
                return _answer(404, "DEVICE_NOT_FOUND", "device not found")
            if act == "logout":
                device.is_logged_in = device.is_connected = False
            elif act == "login":
                device.is_logged_in = device.is_connected = True
            else:
                device.is_connected = device.is_logged_in
            return _answer(200, "SUCCESS", act, device.state())

        return handle

    async def _check_user(self, request: web.Request) -> web.Response:
        device = self._named_device(request)
        if isinstance(device, web.Response):
            return device
        try:
            phone = _parse_phone(request.query.get("phone"))
        except _BadRequest as bad:
            return _answer(400, "VALIDATION_ERROR", str(bad))
        known = phone not in self.settings.phones.get("not_on_whatsapp", ())
        return _answer(200, "SUCCESS", "user checked", {"is_on_whatsapp": known})

    async def _send_presence(self, request: web.Request) -> web.Response:
        device = self._named_device(request)
        if isinstance(device, web.Response):
            return device
        try:
            fields = await _read_fields(request)
            _parse_phone(fields.get("phone"))
            if fields.get("action") not in ("start", "stop"):
                raise _BadRequest("action: must be start or stop")
        except _BadRequest as bad:
            return _answer(400, "VALIDATION_ERROR", str(bad))
        if not (device.is_logged_in and device.is_connected):
            return _refuse("logged_out")
        self._presences += 1
        return _answer(200, "SUCCESS", "chat presence sent", {"status": "ok"})

    def _receiver(self, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a handler runs in a task
            self._handling.add(task)
            self._max_in_flight = max(self._max_in_flight, len(self._handling))
            try:
                return await self._receive(request, kind)
            finally:
                self._handling.discard(task)

        return handle

    async def _receive(self, request: web.Request, kind: str) -> web.StreamResponse:
        device = self._named_device(request)
        if isinstance(device, web.Response):
            return device
        form = await _read_form(request, kind)
        hand_over = _HandOver(self, request, device, self._note(device, kind, form))
        if form.problem is not None:
            response = _answer(400, "VALIDATION_ERROR", form.problem)
            return await hand_over.answer("invalid", response)
        if not (device.is_logged_in and device.is_connected):
            return await hand_over.refuse("logged_out")
        delay, fault = self._draw(form.phone)
        if delay:
            await asyncio.sleep(delay)
        if fault is None:
            return await hand_over.accept()
        if fault == "logged_out":
            device.is_logged_in = False
        elif fault == "timeout_504":
            await asyncio.sleep(self.settings.gateway_timeout)
        elif fault == "hang":
            return await hand_over.hang(self.settings.hang_seconds)
        elif fault in ("reset_before", "reset_after"):
            return hand_over.reset(fault, accepted=fault == "reset_after")
        return await hand_over.refuse(fault)

    def _note(self, device: _Device, kind: str, form: _Form) -> ReceivedMessage:
        now = time.monotonic()
        self._seq += 1
        message = ReceivedMessage(
            seq=self._seq,
            received_at=datetime.now(UTC),
            monotonic_ms=(now - self._started) * 1000,
            device=device.name,
            phone=f"+{form.phone}" if form.phone.isdigit() else form.phone,
            type=kind,
            content=form.content,
            caption=form.caption,
            media_url=form.media_url,
        )
        self._received.append(message)
        self._types[kind] += 1
        for counts in (self._counts, device.counts):
            counts.received += 1
        if device.last_ms is not None:
            gap = message.monotonic_ms - device.last_ms
            if device.shortest_gap_ms is None or gap < device.shortest_gap_ms:
                device.shortest_gap_ms = gap
        device.last_ms = message.monotonic_ms
        device.last_received_at = message.received_at
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
        self._changed()
        return message

    def _draw(self, phone: str) -> tuple[float, str | None]:
        """Latency in seconds and the fault of the next message."""
        settings = self.settings
        if self._seeded != settings.seed:
            self._seeded = settings.seed
            self._random.seed(settings.seed)
        delay = settings.latency_min
        if settings.latency_max > delay:
            delay = self._random.uniform(delay, settings.latency_max)
        for fault, phones in settings.phones.items():
            if phone in phones:
                return delay, fault
        if settings.rates:
            drawn = self._random.random()
            for fault, share in settings.rates.items():
                drawn -= share
                if drawn < 0:
                    return delay, fault
        return delay, None

    def _changed(self) -> None:
        for event in self._watchers:
            event.set()

    # -- the simulator's own interface

    async def _get_page(self, _: web.Request) -> web.Response:
        return web.Response(
            text=_page(),
            content_type="text/html",
            headers={
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
                "script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'",
                "Cache-Control": "no-store",
            },
        )

    async def _get_messages(self, request: web.Request) -> web.Response:
        try:
            since = int(request.query.get("since") or 0)
            limit = int(request.query.get("limit") or self._keep)
        except ValueError:
            return _answer(400, "VALIDATION_ERROR", "since and limit are whole numbers")
        device = request.query.get("device")
        found: list[dict[str, Any]] = []
        for message in reversed(self._received):  # with a limit: the newest ones
            if message.seq <= since or len(found) >= limit:
                break
            if not device or message.device == device:
                found.append(message.as_json())
        found.reverse()
        return web.json_response(found)

    async def _get_stats(self, request: web.Request) -> web.Response:
        limit = request.query.get("devices", "")
        return web.json_response(self.stats(int(limit) if limit.isdecimal() else None))

    async def _get_settings(self, _: web.Request) -> web.Response:
        return web.json_response(self.settings.model_dump(mode="json"))

    async def _post_settings(self, request: web.Request) -> web.Response:
        try:
            changes = json.loads(await request.text())
            if not isinstance(changes, dict):
                raise ValueError("settings are a JSON object")
            self.configure(**changes)
        except ValidationError as exc:
            problems = (
                f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
                for error in exc.errors(include_url=False, include_input=False)
            )
            return _answer(400, "VALIDATION_ERROR", "; ".join(problems))
        except ValueError as exc:
            return _answer(400, "VALIDATION_ERROR", str(exc))
        return await self._get_settings(request)

    async def _post_device(self, request: web.Request) -> web.Response:
        name = request.match_info["device"]
        try:
            state = json.loads(await request.text())
            if not isinstance(state, dict) or not all(
                key in ("is_connected", "is_logged_in") and isinstance(value, bool)
                for key, value in state.items()
            ):
                raise ValueError("is_connected and is_logged_in are true or false")
            self.set_device(name, **state)
        except KeyError:
            return _answer(404, "DEVICE_NOT_FOUND", "device not found")
        except ValueError as exc:
            return _answer(400, "VALIDATION_ERROR", str(exc))
        return web.json_response(self._devices[name].state())

    async def _post_release(self, _: web.Request) -> web.Response:
        return web.json_response({"released": self.release()})

    async def _post_reset(self, _: web.Request) -> web.Response:
        self.reset()
        return web.json_response({"reset": True})


class _HandOver:
    """One message on its way to an answer. Counters of before a reset are left behind with it."""

    def __init__(
        self,
        simulator: Simulator,
        request: web.Request,
        device: _Device,
        message: ReceivedMessage,
    ) -> None:
        self._simulator = simulator
        self._request = request
        self._message = message
        self._counters = (simulator._counts, device.counts)

    async def accept(self) -> web.StreamResponse:
        message = self._message
        message.message_id = f"3EB0{secrets.token_hex(9).upper()}"
        results = {"message_id": message.message_id, "status": f"sent to {message.phone[1:]}"}
        response = _answer(200, "SUCCESS", "message sent", results)
        return await self.answer("accepted", response, accepted=True)

    async def refuse(self, fault: str) -> web.StreamResponse:
        return await self.answer(fault, _refuse(fault), accepted=_REFUSALS[fault].accepted)

    async def hang(self, seconds: float | None) -> web.StreamResponse:
        """Hold the request until it is released, its time is over or the client is gone."""
        simulator = self._simulator
        release = simulator._release
        deadline = None if seconds is None else time.monotonic() + seconds
        simulator._held += 1
        self._settle("hang", accepted=False)
        try:
            while not release.is_set() and not self._client_is_gone():
                wait = 1.0
                if deadline is not None:
                    wait = min(wait, deadline - time.monotonic())
                    if wait <= 0:
                        break
                with suppress(TimeoutError):
                    await asyncio.wait_for(release.wait(), wait)
        finally:
            if self._counters[0] is simulator._counts:
                simulator._held -= 1
        if self._client_is_gone():
            return self.reset("hang", accepted=False)
        return await self.accept()

    def reset(self, fault: str, *, accepted: bool) -> web.StreamResponse:
        """Cut the connection without an answer."""
        self._settle(fault, accepted=accepted)
        transport = self._request.transport
        if transport is not None:
            connection = transport.get_extra_info("socket")
            if connection is not None:
                # Linger zero: the client sees a reset, not an orderly end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return web.Response()

    async def answer(
        self, outcome: str, response: web.Response, *, accepted: bool = False
    ) -> web.StreamResponse:
        self._settle(outcome, accepted=accepted)
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
        self._simulator._changed()
        return response

    def _settle(self, outcome: str, *, accepted: bool) -> None:
        message = self._message
        for counts in self._counters:
            if message.outcome != "waiting":
                counts.outcomes[message.outcome] -= 1
            counts.outcomes[outcome] += 1
            counts.accepted += accepted
        message.outcome = outcome
        message.accepted = accepted
        self._simulator._changed()

    def _client_is_gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()


def _answer(status: int, code: str, text: str, results: object = None) -> web.Response:
    body: dict[str, Any] = {"status": status, "code": code, "message": text}
    if results is not None:
        body["results"] = results
    return web.json_response(body, status=status)


def _refuse(fault: str) -> web.Response:
    refusal = _REFUSALS[fault]
    response = _answer(refusal.status, refusal.code, refusal.text)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


async def _read_fields(request: web.Request) -> dict[str, Any]:
    """The fields of a JSON object or of a form; an uploaded file is its size in bytes."""
    try:
        if request.content_type == "application/json":
            fields = json.loads(await request.text())
            if not isinstance(fields, dict):
                raise _BadRequest("the body is not a JSON object")
            return fields
        form = await request.post()
    except (ValueError, AssertionError, web.HTTPException) as exc:
        raise _BadRequest(f"the body cannot be read: {type(exc).__name__}") from None
    return {
        name: len(value.file.read()) if isinstance(value, web.FileField) else value
        for name, value in form.items()
    }


async def _read_form(request: web.Request, kind: str) -> _Form:
    """A send request, checked as GOWA checks it."""
    try:
        fields = await _read_fields(request)
    except _BadRequest as bad:
        return _Form(phone="", problem=str(bad))
    given = _text_of(fields.get("phone"))
    try:
        phone = _parse_phone(fields.get("phone"))
    except _BadRequest as bad:
        return _Form(phone=given[:64], problem=str(bad))
    if kind == "text":
        content = _text_of(fields.get("message"))
        problem = None
        if not content.strip():
            problem = "message: cannot be blank."
        elif len(content) > _TEXT_LIMIT:
            problem = "message: is too long."
        return _Form(phone, content=content[:_TEXT_LIMIT], problem=problem)
    part = "file" if kind == "document" else kind
    url = _text_of(fields.get(f"{part}_url"))
    upload = fields.get(part)
    caption = _text_of(fields.get("caption"))[:_TEXT_LIMIT] or None
    problem = None
    if kind == "audio" and caption:
        problem = "caption: audio has none."
    elif not url and not upload:
        problem = f"{part}: a file or {part}_url is required."
    elif url and not re.match(r"https?://[^\s/]+", url, re.IGNORECASE):
        problem = f"{part}_url: must be a valid URL."
    return _Form(phone, caption=caption, media_url=url or None, problem=problem)


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parse_phone(value: object) -> str:
    """The digits of a recipient; a leading zero, groups and other ids are refused."""
    text = _text_of(value).strip()
    digits, _, server = text.partition("@")
    if not text:
        raise _BadRequest("phone: cannot be blank.")
    if server not in ("", "s.whatsapp.net"):
        raise _BadRequest("phone: only single recipients are simulated.")
    if not (digits.isascii() and digits.isdigit()):
        raise _BadRequest("phone: must be digits.")
    if digits.startswith("0"):
        raise _BadRequest("phone: must be in international format, without a leading 0.")
    if len(digits) > 15:
        raise _BadRequest("phone: more than 15 digits are a group.")
    return digits


@cache
def _page() -> str:
    return Path(__file__).with_name("simulator_page.html").read_text(encoding="utf-8")


class SimulatorThread:
    """The gateway in a thread of its own, for code that is not asynchronous.

    ``with SimulatorThread(…) as gateway``; takes the arguments of :class:`Simulator`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._arguments = (args, kwargs)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="simulator", daemon=True
        )
        self._simulator: Simulator | None = None

    def __enter__(self) -> Self:
        async def start() -> Simulator:
            args, kwargs = self._arguments
            return await Simulator(*args, **kwargs).__aenter__()

        self._thread.start()
        try:
            self._simulator = self._run(start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._run(self._gateway.__aexit__(exc_type, exc, traceback))
        finally:
            self._end()

    @property
    def url(self) -> str:
        """Base address, for a device's endpoint."""
        return self._gateway.url

    @property
    def settings(self) -> SimulatorSettings:
        """The settings in force; assign to a field, or use :meth:`configure`."""
        return self._gateway.settings

    @property
    def messages(self) -> list[ReceivedMessage]:
        """What was received, oldest first, as far as it is kept."""
        return self._call(lambda gateway: gateway.messages)

    def configure(self, **changes: Any) -> SimulatorSettings:
        """See :meth:`Simulator.configure`."""
        return self._call(lambda gateway: gateway.configure(**changes))

    def set_device(
        self, device: str, *, is_connected: bool | None = None, is_logged_in: bool | None = None
    ) -> None:
        """See :meth:`Simulator.set_device`."""
        self._call(
            lambda gateway: gateway.set_device(
                device, is_connected=is_connected, is_logged_in=is_logged_in
            )
        )

    def release(self) -> int:
        """See :meth:`Simulator.release`."""
        return self._call(lambda gateway: gateway.release())

    def reset(self) -> None:
        """See :meth:`Simulator.reset`."""
        self._call(lambda gateway: gateway.reset())

    def stats(self, devices: int | None = None) -> dict[str, Any]:
        """See :meth:`Simulator.stats`."""
        return self._call(lambda gateway: gateway.stats(devices))

    def wait_for(self, condition: int | Callable[[Simulator], bool], within: float = 10.0) -> None:
        """See :meth:`Simulator.wait_for`."""
        self._run(self._gateway.wait_for(condition, within))

    @property
    def _gateway(self) -> Simulator:
        if self._simulator is None:
            raise RuntimeError("the simulator is not running")
        return self._simulator

    def _call(self, work: Callable[[Simulator], T]) -> T:
        async def call() -> T:
            return work(self._gateway)

        return self._run(call())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def run_simulator(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    settings: SimulatorSettings | None = None,
    devices: Iterable[str] | None = None,
    credentials: str | None = None,
    keep: int = KEPT_MESSAGES,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Run the gateway until SIGINT or SIGTERM; ``on_ready`` is told its address.

    Raises :class:`PgdripError` where it cannot listen.
    """

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, ended.set)
        gateway = Simulator(
            host, port, settings=settings, devices=devices, credentials=credentials, keep=keep
        )
        async with gateway:
            if on_ready is not None:
                on_ready(gateway.url)
            await ended.wait()

    asyncio.run(serve())
