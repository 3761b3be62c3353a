"""The worker process: starts its parts, restarts those that fail, and drains at the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from . import __version__
from .app import create_app
from .database import Database
from .dispatch import Dispatcher
from .errors import PgdripError, from_database
from .lifecycle import FIRST_RETRY, LAST_RETRY, handle_signals, pause, wait_for_database
from .listener import DeviceWaker, listen
from .recorder import Recorder
from .senders.base import open_session
from .settings import Settings
from .sweeps import Bell, sweep

log = structlog.get_logger("pgdrip.worker")

STEADY = 60.0  # seconds of running after which a failure counts as a first one
HEARTBEAT = 15.0  # seconds between two reports of this worker
LAST_FLUSH = 30.0  # seconds a stopping worker goes on trying to record its results


async def run_worker(url: str, settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT (or ``stop`` is set), then drain and return.

    Raises :class:`PgdripError` when the database will not have this worker: no schema, no
    rights, wrong password. A database that is merely away is waited for.
    """
    stop = stop or asyncio.Event()
    handle_signals(stop)
    if not await wait_for_database(url, "pgdrip worker", stop):
        return

    look = asyncio.Event()
    name = settings.worker_name
    async with (
        Database(url, size=settings.pool_size, application_name="pgdrip worker") as database,
        open_session() as session,
    ):
        recorder = Recorder(database, name, look)
        dispatcher = Dispatcher(database, recorder, session, settings, look)
        waker = DeviceWaker(database, look)
        enrollment = Bell(lambda: sweep(database, "enroll_matching_leads"), gather=0.05)
        expansion = Bell(lambda: sweep(database, "expand_campaigns"), gather=0.05)
        campaigns = Bell(lambda: sweep(database, "sweep_campaigns"), gather=0.05)
        inbound = Bell(lambda: sweep(database, "process_inbound"), gather=0.02)

        def on_listening() -> None:
            # Whatever was announced while nobody listened.
            waker.wake_all()
            enrollment.ring()
            on_campaign()
            inbound.ring()

        def on_campaign() -> None:
            expansion.ring()
            campaigns.ring()

        handlers = {
            "drip_wake": waker.wake,
            "drip_enroll": lambda _: enrollment.ring(),
            "drip_campaign": lambda _: on_campaign(),
            "drip_inbound": lambda _: inbound.ring(),
        }

        async def heartbeat() -> None:
            while True:
                await _report(database, settings, stopping=False)
                await asyncio.sleep(HEARTBEAT)

        async def jobs() -> None:
            app = create_app(url, database, session, settings)
            async with app.open_async():
                await app.run_worker_async(name=name)

        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "listener": lambda: listen(url, "pgdrip listener", handlers, on_listening),
            "jobs": jobs,
            "heartbeat": heartbeat,
            "wake": waker.run,
            "enrollment": enrollment.run,
            "expansion": expansion.run,
            "campaigns": campaigns.run,
            "inbound": inbound.run,
        }
        recording = asyncio.create_task(_supervise("recorder", recorder.run, stop, ends=True))
        dispatching = asyncio.create_task(_supervise("dispatch", dispatcher.run, stop, ends=True))
        others = [asyncio.create_task(_supervise(part, run, stop)) for part, run in parts.items()]
        log.info(
            "worker started",
            worker=name,
            version=__version__,
            concurrency=settings.concurrency,
        )
        try:
            await stop.wait()
            log.info("stopping", open_requests=dispatcher.in_flight)
            dispatcher.stop()
            for task in others:
                task.cancel()
            await _drain(dispatcher, dispatching, recorder, recording, settings)
            await asyncio.wait(others, timeout=10)
            try:
                async with asyncio.timeout(5):
                    await _report(database, settings, stopping=True)
            except (TimeoutError, psycopg.Error):
                log.warning("the farewell was not recorded")
        finally:
            for task in (recording, dispatching, *others):
                task.cancel()
    log.info("worker stopped", recorded=recorder.count)


async def _drain(
    dispatcher: Dispatcher,
    dispatching: asyncio.Task[None],
    recorder: Recorder,
    recording: asyncio.Task[None],
    settings: Settings,
) -> None:
    # A claim that is under way is let to its end, so that its messages can be given back.
    await asyncio.wait([dispatching], timeout=settings.drain_timeout)
    dispatching.cancel()
    await dispatcher.drain()
    recorder.close()
    await asyncio.wait([recording], timeout=LAST_FLUSH)
    if recorder.backlog:
        log.error("results could not be recorded; their leases will expire", n=recorder.backlog)


async def _report(database: Database, settings: Settings, *, stopping: bool) -> None:
    await database.call(
        "report_worker", settings.worker_name, __version__, settings.concurrency, stopping
    )


async def _supervise(
    part: str, run: Callable[[], Awaitable[None]], stop: asyncio.Event, *, ends: bool = False
) -> None:
    """Run a part; when it fails, say so in one line and run it again, more patiently.

    Without ``ends`` the part is to run for ever, and coming to an end is a failure too.
    """
    delay = FIRST_RETRY
    while True:
        started = time.monotonic()
        try:
            await run()
            if ends:
                return
            problem = "it ended"
        except Exception as exc:
            problem = _sentence(exc)
            if not isinstance(exc, (psycopg.Error, PoolTimeout, OSError)):
                log.debug("what failed", part=part, exc_info=exc)
        if time.monotonic() - started > STEADY:
            delay = FIRST_RETRY
        seconds = delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        log.warning(
            "a part failed, restarting it", part=part, seconds=round(seconds, 1), error=problem
        )
        if ends and stop.is_set():
            seconds = 0.2
        await pause(stop, seconds)
        delay = min(LAST_RETRY, delay * 2)


def _sentence(exc: BaseException) -> str:
    if isinstance(exc, PgdripError):
        return exc.message
    if isinstance(exc, psycopg.Error):
        return from_database(exc).message
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]
