"""Secrets that everybody knows, addresses that are taken, health, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from factory import Connect, Connection, Plant
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from receiver_process import Receiver, gowa_body, sign
from worker_process import Wait

from pgdrip.errors import PgdripError
from pgdrip.receiver import connections
from pgdrip.receiver.server import run_receiver
from pgdrip.settings import Settings

Start = Callable[..., Receiver]
Queued = Callable[[], list[dict[str, Any]]]


def hold_queue(connect: Connect) -> Connection:
    """A session whose open transaction lets nobody into the queue."""
    holder = connect(autocommit=False)
    holder.execute("lock table pgmq.q_drip_inbound in access exclusive mode")
    return holder


def someone_waits(conn: Connection) -> bool:
    row = conn.execute(
        "select exists (select from pg_stat_activity a where a.wait_event_type = 'Lock'"
        " and a.datname = current_database() and a.query like '%store_webhooks%') as waits"
    ).fetchone()
    assert row is not None
    return bool(row["waits"])


def test_gowas_default_secret_is_refused_at_the_start(start_receiver: Start, plant: Plant) -> None:
    plant.device(name="shop", webhook_secret_name="hook")
    receiver = start_receiver(PGDRIP_SECRET_HOOK="secret")
    assert receiver.ended() == 1
    assert "shop" in receiver.log
    assert "PGDRIP_SECRET_HOOK" in receiver.log
    assert "Traceback" not in receiver.log


def test_so_is_that_of_an_account_of_another_tenant(start_receiver: Start, plant: Plant) -> None:
    with plant.acting_for(plant.other_tenant()):
        plant.row(
            "select * from drip.upsert_account('gateway', 'gowa', %s)",
            Jsonb({"webhook_secret_name": "hook"}),
        )
    receiver = start_receiver(PGDRIP_SECRET_HOOK="secret")
    assert receiver.ended() == 1
    assert "account gateway" in receiver.log


def test_a_device_that_comes_later_with_the_default_secret_gets_nothing_stored(
    start_receiver: Start, plant: Plant, queued: Queued, wait: Wait
) -> None:
    receiver = start_receiver(PGDRIP_SECRET_LATER="secret")
    device = plant.device(webhook_secret_name="later")
    answer = receiver.post(f"/webhooks/device/{device}", gowa_body(), secret="secret")
    assert answer.status == 503
    wait(lambda: "the default that GOWA has" in receiver.log)
    assert queued() == []


def test_a_secret_that_is_missing_at_the_start_is_told(start_receiver: Start, plant: Plant) -> None:
    plant.device(webhook_secret_name="absent")
    assert "PGDRIP_SECRET_ABSENT" in start_receiver().log


def test_a_device_is_known_within_seconds_of_its_making(
    start_receiver: Start, plant: Plant, wait: Wait
) -> None:
    receiver = start_receiver()
    path = "/webhooks/device/1"
    assert receiver.post(path, gowa_body()).status == 404
    assert plant.device(webhook_secret_name="hook") == 1
    wait(lambda: receiver.post(path, gowa_body()).status == 200, seconds=10)
    plant.row("select * from drip.set_device_status('1', 'disabled')")
    wait(lambda: receiver.post(path, gowa_body()).status == 404, seconds=10)


def test_a_rotated_secret_counts_at_once(
    start_receiver: Start, plant: Plant, tmp_path: Any
) -> None:
    (tmp_path / "hook").write_text("old\n")
    plant.device(webhook_secret_name="filed")
    receiver = start_receiver(PGDRIP_SECRET_FILED_FILE=str(tmp_path / "hook"))
    path = "/webhooks/device/1"
    assert receiver.post(path, gowa_body(), secret="old").status == 200
    (tmp_path / "hook").write_text("new\n")
    assert receiver.post(path, gowa_body(), secret="old").status == 401
    assert receiver.post(path, gowa_body(), secret="new").status == 200
    (tmp_path / "hook").unlink()
    assert receiver.post(path, gowa_body(), secret="new").status == 503


def test_a_port_that_is_taken_is_one_sentence(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PgdripError, match=f"port {port}") as caught:
            asyncio.run(run_receiver(dsn, Settings(receiver_port=port)))
    assert caught.value.hint


def test_a_database_without_our_schema_is_one_sentence(
    start_receiver: Start, empty_dsn: str
) -> None:
    receiver = start_receiver(empty_dsn)
    assert receiver.ended() == 1
    assert "pgdrip migrate" in receiver.log
    assert "Traceback" not in receiver.log


def test_health(start_receiver: Start) -> None:
    answer = start_receiver().request("GET", "/health")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_sigterm_finishes_what_was_accepted(
    start_receiver: Start, device: str, connect: Connect, conn: Connection, queued: Queued,
    wait: Wait,
) -> None:  # fmt: skip
    receiver = start_receiver()
    assert receiver.post(device, gowa_body()).status == 200
    holder = hold_queue(connect)
    answers: list[int] = []
    client = threading.Thread(
        target=lambda: answers.append(receiver.post(device, gowa_body(2)).status)
    )
    client.start()
    wait(lambda: someone_waits(conn))
    receiver.process.send_signal(signal.SIGTERM)
    wait(lambda: "stopping" in receiver.log)
    holder.rollback()
    client.join()
    assert answers == [200]
    assert receiver.ended() == 0
    assert "receiver stopped" in receiver.log
    assert len(queued()) == 2
    with pytest.raises(ConnectionRefusedError):
        receiver.post(device, gowa_body(3))


def test_sigterm_lets_a_body_come_to_its_end(
    start_receiver: Start, device: str, queued: Queued, wait: Wait
) -> None:
    receiver = start_receiver()
    body = gowa_body()
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection:
        connection.sendall(
            f"POST {device} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
            f"Expect: 100-continue\r\nX-Hub-Signature-256: {sign(body)}\r\n\r\n".encode()
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        receiver.process.send_signal(signal.SIGTERM)
        wait(lambda: "stopping" in receiver.log)
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert receiver.ended() == 0
    assert [row["body"] for row in queued()] == [body.decode()]


def test_an_idle_connection_does_not_hold_up_the_end(start_receiver: Start) -> None:
    receiver = start_receiver()
    with socket.create_connection(("127.0.0.1", receiver.port)) as idle:
        receiver.process.send_signal(signal.SIGTERM)
        assert receiver.ended(10) == 0
        assert idle.recv(1) == b""


def test_a_head_that_dawdles_is_cut_off(
    dsn: str, device: str, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    monkeypatch.setattr(connections, "HEAD_TIME", 0.3)
    monkeypatch.setenv("PGDRIP_SECRET_HOOK", "x")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(receiver_port=port)
    stop: list[Callable[[], None]] = []

    async def run() -> None:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(event.set))
        await run_receiver(dsn, settings, stop=event)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()

    def listening() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True

    try:
        wait(listening)
        for opening in (b"", b"POST /webhooks/device/1 HTTP/1.1\r\nHost: h\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
                slow.sendall(opening)
                started = time.monotonic()
                assert slow.recv(1) == b""
                assert time.monotonic() - started < 5
        # a body has a time of its own, and so has a connection that rests
        body = gowa_body()
        head = f"POST {device} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
        signed = f"{head}X-Hub-Signature-256: {sign(body, 'x')}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as kept:
            for _ in range(2):
                kept.sendall(signed)
                time.sleep(0.5)
                kept.sendall(body)
                assert kept.recv(1000).startswith(b"HTTP/1.1 200")
                time.sleep(0.5)
            kept.sendall(signed[:20])
            assert kept.recv(1) == b""
    finally:
        stop[0]()
        thread.join()


def test_a_login_without_the_role_is_told_the_grant(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    conn.execute("create role receiver_without_rights login password 'x'")
    url = make_conninfo(dsn, user="receiver_without_rights", password="x")
    receiver = Receiver(url, tmp_path / "log")
    try:
        assert receiver.ended(60) == 1
    finally:
        receiver.process.kill()
        receiver.process.wait()
        conn.execute("drop role receiver_without_rights")
    assert 'grant drip_worker to "receiver_without_rights"' in receiver.log
    assert "Traceback" not in receiver.log
