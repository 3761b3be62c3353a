"""The webhook receiver: verifies what senders report, and answers 200 once it is committed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import socket
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qs

import psycopg
import structlog
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from . import __version__
from .connections import (
    Crowd,
    Memory,
    Protocol,
    Reading,
    StrictHeads,
    TooMuch,
    most_connections,
    peer_of,
)
from .errors import PgdripError, from_database
from .intake import Intake, Line, Unavailable, Unstorable, sentence
from .lifecycle import handle_signals, wait_for_database
from .logs import MOST, Seldom
from .settings import Settings, resolve_secret, secret_variable

log = structlog.get_logger("pgdrip.receiver")

# Platforms whose webhooks the database can read. GOWA and Meta sign in the same way.
READABLE = ("gowa", "cloud_api")
# What a GOWA gateway signs with unless it is told another secret: anybody could.
DEFAULT_SECRET = "secret"  # noqa: S105

# Seconds of waiting for the database in one request: with them it is answered within a second.
DATABASE_TIME = 0.6
RETRY_AFTER = 5  # seconds that a sender is asked to wait after a 503
REMEMBER = 3.0  # seconds for which a device or account is not looked up again
MOST_REMEMBERED = 10_000
LINGER = 1.0  # seconds, and
LINGER_BYTES = 8 * 1024 * 1024  # bytes, for which a refused body is still read
BUFFER = 64 * 1024 * 1024  # bytes of bodies in memory, over all requests
BACKLOG = 2_048  # connections that wait to be accepted
COMPLAIN = 60.0  # seconds between two lines in the log about the same missing secret
SUMMARY = 60.0  # seconds between two lines that say how many came

_FIND = "select t.* from drip.find_webhook_target(%s, %s) t"
_LIST = "select t.* from drip.list_webhook_targets() t"
_PROBE = (
    "select pg_catalog.current_setting('transaction_read_only')::boolean as is_read_only,"
    " (select count(*) from drip.find_webhook_target('device', 0)) as targets"
)
_lookups = Seldom(COMPLAIN)
_SIGNATURE = re.compile(rb"sha256=([0-9a-fA-F]{64})")
_MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Target:
    """A device or account that webhooks are addressed to."""

    kind: str
    id: int
    platform: str
    webhook_secret_name: str | None
    verify_token_secret_name: str | None
    status: str


class Refusal(Exception):
    """An answer other than 200: its status, and a sentence for whoever set the webhook up."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Gone(Exception):
    """Whoever sent the request has left before its end."""


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


class _Server(uvicorn.Server):
    """uvicorn, but the signals are ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_receiver(
    url: str,
    settings: Settings,
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Receive webhooks until SIGTERM or SIGINT (or ``stop`` is set).

    What was accepted is stored before it returns. Raises :class:`PgdripError` when the database
    will not have this receiver, when a webhook secret is GOWA's default, or when the address
    cannot be listened on.
    """
    stop = stop or asyncio.Event()
    handle_signals(stop)
    if not await wait_for_database(url, "pgdrip receiver", stop):
        return
    targets = Targets(url)
    try:
        _check_secrets(await _all(targets))
        listener = _listen(settings.receiver_host, settings.receiver_port)
        async with Intake(url) as intake:
            webhooks = Webhooks(targets, intake, settings)
            server = _server(webhooks, targets, settings)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            host, port = listener.getsockname()[:2]
            log.info("receiver started", version=__version__, host=host, port=port)
            summary = asyncio.create_task(_summarize(intake, webhooks))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            log.info("stopping")
            server.should_exit = True
            await serving
            for task in (summary, stopping):
                task.cancel()
        log.info("receiver stopped", stored=intake.stored, refused=webhooks.refused)
    finally:
        await targets.close()


async def _all(targets: Targets) -> list[tuple[str, Target]]:
    try:
        return await targets.all()
    except psycopg.Error as exc:
        raise from_database(exc) from None
    except Unavailable:
        raise PgdripError(
            "The database went away.", hint="Check that the server is up, and start again."
        ) from None


def _check_secrets(found: list[tuple[str, Target]]) -> None:
    """Refuse a secret that everybody knows; tell of those that are missing."""
    for name, target in found:
        wanted = target.webhook_secret_name
        if target.platform not in READABLE or target.status == "disabled" or not wanted:
            continue
        try:
            secret = resolve_secret(wanted)
        except PgdripError as exc:
            log.warning("a secret cannot be read", secret=wanted, problem=exc.message)
            continue
        if secret == DEFAULT_SECRET:
            raise PgdripError(
                f"The webhook secret of the {target.kind} {name} is GOWA's default, which"
                " everybody knows.",
                hint="Give the gateway a long random one (WHATSAPP_WEBHOOK_SECRET), and set"
                f" {secret_variable(wanted)} to the same.",
            )
        if not secret:
            log.warning(
                "a webhook secret is not set; its webhooks are answered 503",
                kind=target.kind,
                id=target.id,
                variable=secret_variable(wanted),
            )


def _server(webhooks: Webhooks, targets: Targets, settings: Settings) -> _Server:
    async def health(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(DATABASE_TIME):
                healthy = await targets.probe()
        except TimeoutError:
            healthy = False
        status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
        words = "ok\n" if healthy else "the database takes no webhooks\n"
        await PlainTextResponse(words, status)(scope, receive, send)

    router = Router(
        [
            Route("/webhooks/{kind}/{id}", webhooks, methods=["GET", "POST"]),
            Route("/health", _Application(health), methods=["GET"]),
        ],
        redirect_slashes=False,
    )
    most = most_connections()

    class OurProtocol(Protocol):
        crowd = Crowd(most)

    return _Server(
        uvicorn.Config(
            StrictHeads(router),
            http=OurProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(settings.webhook_timeout) + 3,
            backlog=BACKLOG,
        )
    )


class _Application:
    """Lets a router take a function as an application instead of a handler of requests."""

    def __init__(self, function: Any) -> None:
        self._function = function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._function(scope, receive, send)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as exc:
        raise PgdripError(
            f"Nothing can be received on {host}, port {port}: {exc.strerror or exc}.",
            hint="Choose another port with --port, or end the program that uses it.",
        ) from None
    return listener


async def _summarize(intake: Intake, webhooks: Webhooks) -> None:
    stored = refused = 0
    while True:
        await asyncio.sleep(SUMMARY)
        if (intake.stored, webhooks.refused) != (stored, refused):
            log.info("webhooks", stored=intake.stored - stored, refused=webhooks.refused - refused)
            stored, refused = intake.stored, webhooks.refused
