"""The real worker against a gateway on loopback: throughput, latency, processor time."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from .data import add_campaign, add_devices, add_leads, expand_all
from .place import Place

GATEWAY_PORT = 39_411
GATEWAY = f"http://127.0.0.1:{GATEWAY_PORT}"


@contextmanager
def _process(*arguments: str, **environment: str) -> Iterator[psutil.Process]:
    child = subprocess.Popen(
        [sys.executable, "-m", "pgdrip", *arguments],
        env={**os.environ, "PGDRIP_LOG_LEVEL": "warning", **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()


@contextmanager
def _gateway(latency: float) -> Iterator[None]:
    with _process("simulator", "--port", str(GATEWAY_PORT), "--latency", str(latency)):
        _until(lambda: bool(_stats()), 20)
        yield


def _stats() -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{GATEWAY}/simulator/stats", timeout=2) as answer:
            stats: dict[str, Any] = json.load(answer)
            return stats
    except OSError:
        return {}


def _until(condition: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the benchmark waited in vain")
        time.sleep(0.02)


def _sent(place: Place, database: str) -> int:
    with place.connect(database) as connection:
        row = connection.execute(
            "select coalesce(sum(q.messages), 0) from drip.queue_overview q where q.status = 'sent'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def worker(place: Place) -> None:
    """One worker process, 20 ms at the gateway: messages per second end to end."""
    url = place.database("bench_worker")
    with place.connect("bench_worker") as connection:
        add_devices(connection, 300, endpoint=GATEWAY)
        add_leads(connection, 60_000)
        add_campaign(connection, "campaign")
        expand_all(connection)
        connection.execute("vacuum analyze")
    with _gateway(0.02), _process("worker", DATABASE_URL=url):
        _until(lambda: _sent(place, "bench_worker") > 500, 60)
        before, started = _sent(place, "bench_worker"), time.perf_counter()
        time.sleep(place.seconds * 2)
        sent = _sent(place, "bench_worker") - before
        rate = sent / (time.perf_counter() - started)
    place.keep("worker, one process", rate=rate, unit="messages/s", aim=1_000)


def latency(place: Place) -> None:
    """From the application's commit to the claim, on an idle system."""
    url = place.database("bench_latency")
    with place.connect("bench_latency") as connection:
        add_devices(connection, 100, endpoint=GATEWAY)
        connection.execute("select 1 from drip.upsert_lead('+60123456789')")
        delays: list[float] = []
        with _gateway(0.02), _process("worker", DATABASE_URL=url):
            _until(lambda: _workers(connection) > 0, 30)
            chance = random.Random(1)
            for number in range(300):
                time.sleep(0.03 + chance.random() * 0.05)
                connection.execute(
                    "select 1 from drip.send_message(%s, 'ping')", [f"+601{20_000_000 + number}"]
                )
            _until(lambda: _sent(place, "bench_latency") >= 300, 30)
        rows = connection.execute(
            "select extract(epoch from a.claimed_at - m.created_at) * 1000"
            " from drip.message_attempts a join drip.broadcast_messages m on m.id = a.message_id"
        ).fetchall()
        delays = sorted(float(row[0]) for row in rows)
    place.keep(
        "commit to claim",
        unit="ms",
        p50=statistics.median(delays),
        p99=delays[int(len(delays) * 0.99)],
        aim="p50 ≤ 10, p99 ≤ 100",
        note="from the start of the application's transaction to the claim's",
    )


def _workers(connection: Any) -> int:
    row = connection.execute("select count(*) from drip.workers").fetchone()
    return int(row[0])


def processor(place: Place) -> None:
    """Processor time of database and worker: 3,000 devices, 300 messages a second."""
    url = place.database("bench_processor")
    with place.connect("bench_processor") as connection:
        add_devices(connection, 3_000, endpoint=GATEWAY, min_delay_seconds=10, max_delay_seconds=10)
        add_leads(connection, 60_000)
        add_campaign(connection, "campaign")
        expand_all(connection)
        connection.execute("vacuum analyze")
    with (
        _gateway(0.02),
        _process("worker", DATABASE_URL=url, PGDRIP_CONCURRENCY="400") as worker_process,
    ):
        # the first wave goes at once; afterwards each device has its own phase
        _until(lambda: _sent(place, "bench_processor") >= 6_000, 120)
        before_sent, before = _sent(place, "bench_processor"), _cpu(place, worker_process)
        started = time.perf_counter()
        time.sleep(place.seconds * 3)
        seconds = time.perf_counter() - started
        after = _cpu(place, worker_process)
        rate = (_sent(place, "bench_processor") - before_sent) / seconds
    database_cores = (after[0] - before[0]) / seconds
    worker_cores = (after[1] - before[1]) / seconds
    place.keep(
        "3,000 devices",
        unit="cores",
        database=database_cores,
        worker=worker_cores,
        total=database_cores + worker_cores,
        rate=rate,
        aim="total ≤ 0.7 at 300 messages/s",
    )


def _cpu(place: Place, worker_process: psutil.Process) -> tuple[float, float]:
    postmaster = psutil.Process(int((place.server.data / "postmaster.pid").read_text().split()[0]))
    # ended backends are in the postmaster's children times
    times = postmaster.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in postmaster.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += own.user + own.system
    own = worker_process.cpu_times()
    return total, own.user + own.system
