"""Runs the receiver: its secrets, its address, its server, its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from .. import __version__
from ..errors import PgdripError, from_database
from ..lifecycle import handle_signals, wait_for_database
from ..settings import Settings, resolve_secret, secret_variable
from .connections import Crowd, Protocol, StrictHeads, most_connections
from .intake import Intake, Unavailable
from .targets import Target, Targets
from .webhooks import DATABASE_TIME, DEFAULT_SECRET, READABLE, Webhooks

log = structlog.get_logger("pgdrip.receiver")

BACKLOG = 2_048  # connections that wait to be accepted
SUMMARY = 60.0  # seconds between two lines that say how many came


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
