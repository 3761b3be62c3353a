"""The webhook receiver: verifies what senders report, and answers 200 once it is committed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import parse_qs

import psycopg
import structlog
from starlette.types import Receive, Scope, Send

from ..errors import PgdripError
from ..logs import MOST, Seldom
from ..settings import Settings, resolve_secret, secret_variable
from .connections import Memory, Reading, TooMuch, peer_of
from .intake import Intake, Unavailable, Unstorable, sentence
from .targets import MOST_REMEMBERED, Target, Targets

log = structlog.get_logger("pgdrip.receiver")

# Platforms whose webhooks the database can read. GOWA and Meta sign in the same way.
READABLE = ("gowa", "cloud_api")
# What a GOWA gateway signs with unless it is told another secret: anybody could.
DEFAULT_SECRET = "secret"  # noqa: S105

# Seconds of waiting for the database in one request: with them it is answered within a second.
DATABASE_TIME = 0.6
RETRY_AFTER = 5  # seconds that a sender is asked to wait after a 503
LINGER = 1.0  # seconds, and
LINGER_BYTES = 8 * 1024 * 1024  # bytes, for which a refused body is still read
BUFFER = 64 * 1024 * 1024  # bytes of bodies in memory, over all requests
COMPLAIN = 60.0  # seconds between two lines in the log about the same missing secret

_lookups = Seldom(COMPLAIN)
_SIGNATURE = re.compile(rb"sha256=([0-9a-fA-F]{64})")
_MAX_ID = 2**63 - 1


class Refusal(Exception):
    """An answer other than 200: its status, and a sentence for whoever set the webhook up."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Gone(Exception):
    """Whoever sent the request has left before its end."""


class Webhooks:
    """The application behind ``/webhooks/{kind}/{id}``: POST stores, GET answers Meta's challenge.

    Nothing of a body, no phone and no secret gets into an answer or the log.
    """

    def __init__(self, targets: Targets, intake: Intake, settings: Settings) -> None:
        self._targets = targets
        self._intake = intake
        self._limit = settings.webhook_body_limit
        self._timeout = settings.webhook_timeout
        self._memory = Memory(BUFFER)
        self._complained: dict[str, float] = {}
        self._complaints = Seldom(most=MOST)
        self._failures = Seldom(most=MOST)
        self._refusals: dict[int, Seldom] = {}
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = _Body(scope, receive)
        status, words, headers = 200, "", {}
        address = _address(scope["path_params"])
        try:
            if address is None:
                raise Refusal(404, "There is no such device or account.")
            if scope["method"] == "POST":
                await self._post(*address, body)
            else:
                words = await self._challenge(*address, scope["query_string"])
        except Refusal as exc:
            status, words = exc.status, exc.words
        except Gone:
            status, words = 400, "The sender left."
        except Exception as exc:
            # Only its kind: its words might quote the body.
            if self._failures.passes():
                log.error(
                    "a webhook failed", error=type(exc).__name__, others=self._failures.take()
                )
            status, words = 500, "This went wrong on our side."
        kind, number = address or (None, None)
        if status == 200:
            log.debug("webhook stored", kind=kind, id=number, bytes=body.read)
        else:
            self.refused += 1
            # Each status by itself: those that strangers cause hide no other.
            refusals = self._refusals.setdefault(status, Seldom(most=MOST))
            (log.info if (passes := refusals.passes()) else log.debug)(
                "webhook refused",
                kind=kind,
                id=number,
                status=status,
                bytes=body.read,
                reason=words,
                **({"others": others} if passes and (others := refusals.take()) else {}),
            )
        if status == 503:
            headers["retry-after"] = str(RETRY_AFTER)
        await _answer(send, body, status, words, headers)

    async def _post(self, kind: str, number: int, body: _Body) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with _in_time():
            async with asyncio.timeout_at(started + DATABASE_TIME):
                target = await self._find(kind, number)
        database_time = DATABASE_TIME - (loop.time() - started)
        if target.platform not in READABLE:
            raise Refusal(404, f"Webhooks of {target.platform} cannot be read.")
        self._check_length(body)
        secret = self._webhook_secret(target)
        given = _SIGNATURE.fullmatch(body.header(b"x-hub-signature-256") or b"")
        if given is None:
            raise Refusal(401, "The signature is missing or has another form.")
        raw, reading = await self._read(body)
        try:
            real = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(given[1].decode().lower(), real):
                raise Refusal(401, "The signature is wrong.")
            text = _check_json(raw)
            with _in_time():
                async with asyncio.timeout(max(database_time, 0.1)):
                    await self._intake.store(kind, number, text)
        except Unstorable:
            raise Refusal(400, "The body cannot be stored.") from None
        finally:
            self._memory.release(reading)

    async def _challenge(self, kind: str, number: int, query: bytes) -> str:
        with _in_time():
            async with asyncio.timeout(DATABASE_TIME):
                target = await self._find(kind, number)
        try:
            values = parse_qs(query.decode("latin-1"), max_num_fields=20)
        except ValueError:
            raise Refusal(400, "The query cannot be read.") from None
        name = target.verify_token_secret_name
        token = self._secret(target, name) if name else None
        if not token:
            self._complain(target, "verify_token_secret_name", name)
        given = values.get("hub.verify_token", [""])[0]
        if (
            not hmac.compare_digest(given.encode(), (token or "").encode())
            or not token
            or values.get("hub.mode") != ["subscribe"]
            or "hub.challenge" not in values
        ):
            raise Refusal(403, "The verify token is not the one that is set here.")
        return values["hub.challenge"][0]

    async def _find(self, kind: str, number: int) -> Target:
        target = await self._targets.find(kind, number)
        if target is None or target.status == "disabled":
            raise Refusal(404, "There is no such device or account.")
        return target

    def _webhook_secret(self, target: Target) -> str:
        name = target.webhook_secret_name
        if not name:
            self._complain(target, "webhook_secret_name", None)
            raise Refusal(403, f"This {target.kind} has no webhook secret.")
        secret = self._secret(target, name)
        if not secret:
            self._complain(target, "webhook_secret_name", name)
            # Not the sender's fault: what it sends again is taken once the secret is set.
            raise Refusal(503, "The webhook secret is not set on this machine.")
        if secret == DEFAULT_SECRET:
            self._complain(target, "webhook_secret_name", name, "it is the default that GOWA has")
            raise Refusal(503, "The webhook secret is one that everybody knows.")
        return secret

    def _secret(self, target: Target, name: str) -> str | None:
        try:
            return resolve_secret(name)
        except PgdripError as exc:
            self._complain(target, "a secret", name, exc.message)
            return None

    def _complain(
        self, target: Target, setting: str, name: str | None, problem: str | None = None
    ) -> None:
        key = f"{target.kind} {target.id} {setting}"
        now = time.monotonic()
        if now - self._complained.get(key, -COMPLAIN) < COMPLAIN:
            return
        if len(self._complained) >= MOST_REMEMBERED:
            self._complained.clear()
        self._complained[key] = now
        if not self._complaints.passes():
            return
        log.warning(
            "a webhook cannot be verified",
            kind=target.kind,
            id=target.id,
            setting=setting,
            secret=name,
            others=self._complaints.take(),
            problem=problem
            or (f"{secret_variable(name)} is not set" if name else f"{setting} is not set"),
        )

    def _check_length(self, body: _Body) -> None:
        length = body.header(b"content-length")
        # The server has seen to it that it is a number.
        if length is not None and (len(length) > 18 or int(length) > self._limit):
            raise Refusal(413, f"The body is longer than {self._limit} bytes.")

    async def _read(self, body: _Body) -> tuple[bytes, Reading]:
        """The whole body, and its place in memory until the caller releases that."""
        chunks: list[bytes] = []
        reading: Reading | None = None
        try:
            async with asyncio.timeout(self._timeout) as limit:
                reading = Reading(body.peer, limit)
                self._memory.begin(reading)
                while not body.complete:
                    chunk = await body.next()
                    self._memory.add(reading, len(chunk))
                    chunks.append(chunk)
                    if reading.size > self._limit:
                        raise Refusal(413, f"The body is longer than {self._limit} bytes.")
                self._memory.finish(reading)
        except BaseException as exc:
            if reading is not None:
                self._memory.release(reading)
            if isinstance(exc, TooMuch):
                raise Refusal(503, "Too much is under way.") from None
            if isinstance(exc, TimeoutError):
                raise Refusal(408, "The body did not arrive in time.") from None
            raise
        return b"".join(chunks), reading


def _address(path: dict[str, str]) -> tuple[str, int] | None:
    kind, text = path["kind"], path["id"]
    if kind not in ("device", "account") or len(text) > 19 or not text.isascii():
        return None
    number = int(text) if text.isdecimal() else 0
    return (kind, number) if 0 < number <= _MAX_ID else None


class _Body:
    """The body of a request as it comes in."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive
        self.peer = peer_of(scope.get("client"))
        self.read = 0
        self.complete = False

    def header(self, name: bytes) -> bytes | None:
        """The value of a header that must not be given twice."""
        found = [value for key, value in self._headers if key == name]
        return found[0] if len(found) == 1 else None

    async def next(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            self.complete = True
            raise Gone
        chunk: bytes = message.get("body", b"")
        self.read += len(chunk)
        self.complete = not message.get("more_body", False)
        return chunk


async def _answer(
    send: Send, body: _Body, status: int, words: str, headers: dict[str, str]
) -> None:
    content = words.encode()
    fields = [(b"content-length", str(len(content)).encode())]
    if content:
        fields += [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"x-content-type-options", b"nosniff"),
        ]
    fields += [(name.encode(), value.encode()) for name, value in headers.items()]
    linger = status in (408, 413)
    if linger:
        fields.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    if linger and content:
        # The sender is still writing. To close now would reset the connection, and with it the
        # answer that is on its way.
        await send({"type": "http.response.body", "body": content, "more_body": True})
        content = b""
        end = body.read + LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER):
                while not body.complete and body.read < end:
                    await body.next()
        except (TimeoutError, Gone):
            pass
    await send({"type": "http.response.body", "body": content})


@contextmanager
def _in_time() -> Iterator[None]:
    """What the database cannot do now is answered with 503."""
    try:
        yield
    except (Unavailable, TimeoutError):
        raise Refusal(503, "Nothing can be stored now.") from None
    except psycopg.Error as exc:
        if _lookups.passes():
            log.error(
                "a device or account cannot be looked up",
                error=sentence(exc),
                others=_lookups.take(),
            )
        raise Refusal(503, "Nothing can be stored now.") from None


def _check_json(raw: bytes) -> str:
    """The body as text; refuses what is no JSON object that Postgres could hold."""
    try:
        text = raw.decode("utf-8")
        # A byte order mark is no JSON.
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "The body is not a JSON object.")
    if "\\u0000" in text and _holds_nul(value):
        raise Refusal(400, "The body holds a NUL character.")
    return text


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _holds_nul(value: Any) -> bool:
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            rest += item.keys()
            rest += item.values()
        elif isinstance(item, list):
            rest += item
    return False
