"""The simulator as a program: in the caller's event loop, in a thread, or as a process."""

from __future__ import annotations

import asyncio
import base64
import hmac
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from ..errors import PgdripError
from .contacts import Contacts, NoticeRequest, ReplyRequest
from .gowa import GowaRoutes
from .meta import PATH as META_PATH
from .meta import MetaRoutes
from .own import OwnRoutes
from .settings import SimulatorSettings
from .state import KEPT_MESSAGES, ReceivedMessage, Reply, State
from .webhooks import Webhooks

T = TypeVar("T")

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3000

_BODY_LIMIT = 32 * 1024 * 1024


class Simulator:
    """The gateway, run inside the caller's event loop: ``async with Simulator() as gateway``.

    ``devices``: the only ones it knows; without a list a device appears at its first use.
    ``credentials``: ``user:password`` for Basic authentication of everything but /health and Meta's
    paths; ``token``: the bearer token of those. ``port`` 0 takes a free one; ``keep`` is the number
    of messages that stay listed.
    """

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        port: int = 0,
        *,
        settings: SimulatorSettings | None = None,
        devices: Iterable[str] | None = None,
        credentials: str | None = None,
        token: str | None = None,
        keep: int = KEPT_MESSAGES,
    ) -> None:
        self.host = host
        self.port = port
        self._token = token
        self._authorization = (
            None
            if credentials is None
            else b"Basic " + base64.b64encode(credentials.encode("utf-8"))
        )
        self._runner: web.AppRunner | None = None
        self._state = State(settings or SimulatorSettings(), devices, keep)
        self._webhooks = Webhooks(self._state)
        self._contacts = Contacts(self._state, self._webhooks)
        self._state.on_accepted = self._contacts.take

    # -- for the owner

    @property
    def url(self) -> str:
        """Base address, for a device's endpoint; Meta's interface is below ``/v25.0``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def settings(self) -> SimulatorSettings:
        """The settings in force; assign to a field, or use :meth:`configure`."""
        return self._state.settings

    @property
    def messages(self) -> list[ReceivedMessage]:
        """What was received, oldest first, as far as it is kept."""
        return list(self._state.received)

    @property
    def replies(self) -> list[Reply]:
        """What contacts wrote and did, oldest first, as far as it is kept."""
        return list(self._state.replies)

    def configure(self, **changes: Any) -> SimulatorSettings:
        """Change settings by name, all or none; a wrong one raises ``ValueError``."""
        current = self.settings.model_dump()
        self._state.settings = SimulatorSettings.model_validate({**current, **changes})
        return self.settings

    def set_device(
        self, device: str, *, is_connected: bool | None = None, is_logged_in: bool | None = None
    ) -> None:
        """Connect, disconnect, log in or log out a device."""
        found = self._state.device(device)
        if found is None:
            raise KeyError(device)
        if is_connected is not None:
            found.is_connected = is_connected
        if is_logged_in is not None:
            found.is_logged_in = is_logged_in

    def reply(self, device: str, phone: str, text: str | None = None, **more: Any) -> Reply:
        """Let a contact write to a device now; ``more``: see :class:`ReplyRequest`.

        ``LookupError`` where the device's webhooks go nowhere.
        """
        request = ReplyRequest(device=device, phone=phone, text=text, **more)
        reply = self._contacts.write(request)
        if reply is None:
            raise LookupError(
                f"webhooks of {device} go nowhere: webhook_base and webhook_targets say where to"
            )
        return reply

    def notice(self, device: str, field: str, value: dict[str, Any]) -> None:
        """Let Meta tell something of an account, a number or a template; see
        :class:`NoticeRequest`. ``LookupError`` where the device's webhooks go nowhere."""
        request = NoticeRequest.model_validate({"device": device, "field": field, "value": value})
        if not self._contacts.tell(request):
            raise LookupError(
                f"webhooks of {device} go nowhere: webhook_base and webhook_targets say where to"
            )

    def release(self) -> int:
        """Answer all held requests; how many there were."""
        return self._state.release()

    def reset(self) -> None:
        """Forget messages, counters and devices; settings stay, held requests are released."""
        self._state.release()
        self._state.forget()
        self._webhooks.forget()
        self._contacts.forget()
        self._state.changed()

    def stats(self, devices: int | None = None) -> dict[str, Any]:
        """Totals, and the counts of each device (of the ``devices`` last used ones)."""
        return {**self._state.stats(devices), "webhooks": self._webhooks.as_json()}

    async def wait_for(
        self, condition: int | Callable[[Simulator], bool], within: float = 10.0
    ) -> None:
        """Wait until so many messages were received, or until ``condition(self)`` holds.

        Looked at whenever something comes in, goes out or changes its state. ``TimeoutError``
        after ``within`` seconds.
        """
        counts = self._state.counts

        def holds() -> bool:
            if callable(condition):
                return condition(self)
            return self._state.counts.received >= condition

        event = asyncio.Event()
        self._state.watchers.add(event)
        try:
            async with asyncio.timeout(within):
                while not holds():
                    event.clear()
                    await event.wait()
        except TimeoutError:
            raise TimeoutError(
                f"not within {within:g} s; received {counts.received}, "
                f"outcomes {dict(counts.outcomes)}, webhooks {self._webhooks.as_json()}"
            ) from None
        finally:
            self._state.watchers.discard(event)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._authenticate], client_max_size=_BODY_LIMIT)
        OwnRoutes(self).add_to(app.router)
        GowaRoutes(self._state).add_to(app.router)
        MetaRoutes(self._state, self._token).add_to(app.router)
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
        await self._webhooks.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._state.handling:
            task.cancel()  # held and waiting requests are cut, not answered
        await self._webhooks.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _authenticate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        is_open = request.path == "/health" or META_PATH.match(request.path)
        if self._authorization is not None and not is_open:
            given = request.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, self._authorization):
                return web.Response(
                    status=401,
                    text="Unauthorized",
                    headers={"WWW-Authenticate": 'Basic realm="simulator"'},
                )
        return await handler(request)


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

    @property
    def replies(self) -> list[Reply]:
        """What contacts wrote and did, oldest first, as far as it is kept."""
        return self._call(lambda gateway: gateway.replies)

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

    def reply(self, device: str, phone: str, text: str | None = None, **more: Any) -> Reply:
        """See :meth:`Simulator.reply`."""
        return self._call(lambda gateway: gateway.reply(device, phone, text, **more))

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
    token: str | None = None,
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
            host,
            port,
            settings=settings,
            devices=devices,
            credentials=credentials,
            token=token,
            keep=keep,
        )
        async with gateway:
            if on_ready is not None:
                on_ready(gateway.url)
            await ended.wait()

    asyncio.run(serve())
