"""Any login may notify on our channels: nobody stops a worker by that, or has it do work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from worker_process import Connection, Wait, WorkerProcess

SHOUTS = (
    *("", "x", "17", "17,18", "9" * 20, "9" * 5000, "-1", "{}", "null", "'", "²", "1,2,"),
    "0123456789abcdef,1",
    "0123456789abcdef" + ",1" * 3900,
)


@pytest.fixture
def stranger(dsn: str, admin: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The session of a login without any role of ours."""
    name = f"pgdrip_test_{os.getpid()}_stranger"
    admin.execute(f"create role {name} login password 'x'".encode())
    with psycopg.connect(make_conninfo(dsn, user=name, password="x"), autocommit=True) as session:
        yield session
    admin.execute(f"drop role {name}".encode())


def test_what_a_stranger_shouts_is_not_heard(
    stranger: psycopg.Connection[Any],
    conn: Connection,
    add_device: Callable[..., int],
    send: Callable[[int], None],
    states: Callable[[], dict[str, int]],
    start_worker: Callable[..., WorkerProcess],
    wait: Wait,
) -> None:
    add_device()
    worker = start_worker(PGDRIP_LOG_LEVEL="debug")
    # both listen: ours, and the job library, whose tick alone runs this
    ran = "select from drip.task_runs where name = 'expire_leases' and last_run_at > %s"
    wait(lambda: conn.execute(ran.encode(), ["-infinity"]).fetchall() != [], seconds=40)
    channels = [
        *("drip_wake", "drip_enroll", "drip_campaign", "drip_inbound"),
        *("procrastinate_any_queue_v1", "procrastinate_queue_v1#drip"),
    ]
    for channel in channels:
        for shout in SHOUTS:
            stranger.execute("select pg_notify(%s, %s)", [channel, shout])
    row = conn.execute("select clock_timestamp() as at").fetchone()
    assert row is not None
    send(2)
    wait(lambda: states() == {"sent": 2})
    # and the tasks of the job library go on
    wait(lambda: conn.execute(ran.encode(), [row["at"]]).fetchall() != [], seconds=40)
    for word in ("part failed", "part ended", "Traceback", "stopping worker"):
        assert word not in worker.log, worker.log


def test_who_listens_learns_no_device(
    stranger: psycopg.Connection[Any], add_device: Callable[..., int], send: Callable[[int], None]
) -> None:
    device = add_device()
    stranger.execute("listen drip_wake")
    send(1)
    send(1)
    heard = [n.payload for n in stranger.notifies(timeout=5, stop_after=2)]
    parts = [part for payload in heard for part in payload.split(",")]
    assert len(heard) == 2
    assert len(set(parts)) == len(parts)
    assert all(part not in (str(device), f"{device:x}") for part in parts)
