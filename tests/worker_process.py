"""A gateway, devices that point at it, messages that are due, and a worker as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from pgdrip.settings import Settings
from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]
Wait = Callable[..., None]


@pytest.fixture
def gateway() -> Iterator[SimulatorThread]:
    """A gateway on loopback that accepts at once."""
    with SimulatorThread() as simulator:
        yield simulator


@pytest.fixture
def settings(dsn: str) -> Settings:
    """Settings of a worker of this test's database."""
    return Settings(worker_name="test worker", concurrency=20).model_copy(
        update={"database_url": dsn}
    )


@pytest.fixture
def add_device(conn: Connection, gateway: SimulatorThread) -> Callable[..., int]:
    """Makes a device without pacing at the gateway; returns its id."""

    def add(name: str = "one", *, platform: str = "gowa", burst: int = 50) -> int:
        row = conn.execute(
            "select r.* from drip.upsert_device(p_name => %s, p_platform => %s,"
            " p_endpoint => %s, p_instance => %s, p_settings => %s) r",
            [
                name,
                platform,
                gateway.url,
                name,
                Jsonb({"min_delay_seconds": 0, "max_delay_seconds": 0, "burst": burst}),
            ],
        ).fetchone()
        assert row is not None
        return int(row["device_id"])

    return add


@pytest.fixture
def send(conn: Connection) -> Callable[..., None]:
    """Plans `count` messages that are due at once, each to another phone."""
    planned = 0

    def plan(count: int) -> None:
        nonlocal planned
        conn.execute(
            "select count(s) from generate_series(%s::integer, %s::integer) g,"
            " lateral drip.send_message('+6012' || (3000000 + g), 'Message ' || g) s",
            [planned + 1, planned + count],
        )
        planned += count

    return plan


@pytest.fixture
def states(conn: Connection) -> Callable[[], dict[str, int]]:
    """How many messages are in which status."""

    def count() -> dict[str, int]:
        rows = conn.execute(
            "select m.status, count(*) as messages from drip.message_log m group by m.status"
        ).fetchall()
        return {row["status"]: row["messages"] for row in rows}

    return count


@pytest.fixture
def wait() -> Wait:
    """Waits until a condition holds; fails with its last value."""

    def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
            time.sleep(0.02)

    return until


class WorkerProcess:
    """`pgdrip worker` as a process of its own; `log` is what it has said so far."""

    def __init__(self, dsn: str, log_file: Path, **environment: str) -> None:
        self._log_file = log_file
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pgdrip", "worker"],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "DATABASE_URL": dsn,
                    "PGDRIP_LOG_FORMAT": "json",
                    "PGDRIP_CONCURRENCY": "20",
                    **environment,
                },
            )

    @property
    def log(self) -> str:
        return self._log_file.read_text()

    def ended(self, seconds: float = 30.0) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)


@pytest.fixture
def start_worker(dsn: str, tmp_path: Path, wait: Wait) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers, waits until they work, and kills what is left of them at the end."""
    workers: list[WorkerProcess] = []

    def start(url: str = dsn, **environment: str) -> WorkerProcess:
        worker = WorkerProcess(url, tmp_path / f"worker{len(workers)}.log", **environment)
        workers.append(worker)
        wait(lambda: "worker started" in worker.log or worker.process.poll() is not None)
        return worker

    yield start
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait()
