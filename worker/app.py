"""The procrastinate app: periodic tasks that say "look now"; none carries a message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Status as JobStatus
from psycopg import AsyncConnection

from .database import CONNECT_TIMEOUT, KEEPALIVES, Database
from .devices import RUNS, check_devices
from .server_log import KEEP_OUT
from .session import PLAIN_SESSION
from .settings import Settings
from .sweeps import run_tick, sweep

log = structlog.get_logger("pgdrip.tasks")

QUEUE = "drip"
Tick = Callable[[int], Awaitable[None]]

STALLED_AFTER = 60.0  # seconds without a heartbeat of the worker that holds a job


async def _configure(connection: AsyncConnection[Any]) -> None:
    # Not as keyword arguments of the pool: autocommit there breaks procrastinate's listener
    # without a word, and start-up options are refused by pgbouncer.
    await connection.set_autocommit(True)
    await connection.execute(KEEP_OUT)
    await connection.execute(PLAIN_SESSION)
    await connection.execute(
        "select set_config('search_path', 'procrastinate', false),"
        " set_config('statement_timeout', '30s', false)"
    )
    await connection.set_autocommit(False)


def create_app(
    url: str, database: Database, session: aiohttp.ClientSession, settings: Settings
) -> App:
    """The app with its periodic tasks, closed over the worker's pool and HTTP session.

    There is no dispatch task: the dispatch loop runs beside this app in every worker (see
    runner.py), because a job goes to one worker, while each worker has its own free slots.

    Every task has a queueing lock, so that ticks do not pile up behind a slow run, and none has a
    lock: one left in `doing` by a killed worker would block all later runs. Side by side they are
    harmless.
    """
    connector = PsycopgConnector(
        conninfo=url,
        min_size=1,
        max_size=4,
        timeout=10.0,
        configure=_configure,
        name="pgdrip jobs",
        kwargs={
            "application_name": "pgdrip jobs",
            "connect_timeout": CONNECT_TIMEOUT,
            **KEEPALIVES,
        },
    )
    app = App(
        connector=connector,
        worker_defaults={
            "queues": [QUEUE],
            "concurrency": 5,
            "fetch_job_polling_interval": 1.0,
            # Tasks are periodic and need no notification; any login may notify, and a listener of
            # procrastinate's ends with what is no JSON.
            "listen_notify": False,
            "delete_jobs": "always",
            "install_signal_handlers": False,
            "shutdown_graceful_timeout": 5.0,
        },
    )

    def every(cron: str, name: str) -> Callable[[Tick], Tick]:
        def register(function: Tick) -> Tick:
            task = app.task(queue=QUEUE, name=name, queueing_lock=name)(function)
            app.periodic(cron=cron)(task)
            return function

        return register

    # The sixth field of a cron line is the second.
    @every("*/5 * * * * 0", "enroll_matching_leads")
    async def enroll_matching_leads(timestamp: int) -> None:
        await _quietly("enroll_matching_leads", sweep(database, "enroll_matching_leads"))

    @every("* * * * * 0", "expand_campaigns")
    async def expand_campaigns(timestamp: int) -> None:
        await _quietly("expand_campaigns", sweep(database, "expand_campaigns"))

    @every("* * * * * */5", "process_inbound")
    async def process_inbound(timestamp: int) -> None:
        await _quietly("process_inbound", sweep(database, "process_inbound"))

    # expire_leases and the small sweeps that need no loop are among those of tick().
    @every("* * * * * */10", "tick")
    async def tick(timestamp: int) -> None:
        await _quietly("tick", run_tick(database))

    checking = asyncio.Lock()

    @every("* * * * * */5", "check_devices")
    async def check_some_devices(timestamp: int) -> None:
        # Gateways that do not answer can make a run long: it must not take the sweeps' places.
        if checking.locked():
            return
        async with checking:
            some = check_devices(database, session, settings, parts=RUNS)
            await _quietly("check_devices", some)

    @every("* * * * * 30", "clear_stalled_jobs")
    async def clear_stalled_jobs(timestamp: int) -> None:
        # Taken away and not retried: a retry would meet the queueing lock of the tick that waits,
        # and that tick does the same work.
        stalled = await app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=STALLED_AFTER
        )
        for job in stalled:
            log.warning("clearing a job of a dead worker", task=job.task_name)
            await app.job_manager.finish_job(job, status=JobStatus.FAILED, delete_job=True)

    return app


async def _quietly(task: str, work: Awaitable[object]) -> None:
    """Await ``work``; a failure is one line, and the next tick tries again."""
    try:
        result = await work
    except Exception as exc:
        text = str(exc).strip() or type(exc).__name__
        log.warning("a task failed, its next run tries again", task=task, error=text.split("\n")[0])
        if not isinstance(exc, psycopg.Error | OSError):
            log.error("it failed unexpectedly", task=task, exc_info=exc)
    else:
        log.debug("task done", task=task, result=result)
