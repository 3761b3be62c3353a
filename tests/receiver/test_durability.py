"""Whatever was answered 200 is in the queue: after a kill, a crash, and a time without Postgres."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Connect, Connection
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from receiver_process import Receiver, gowa_body, sign
from scratch import server_folder
from worker_process import Wait

from pgdrip.schema import migrate
from pgdrip.schema.embedded import EmbeddedServer, embedded_server, stop
from pgdrip.schema.target import create_database

Start = Callable[..., Receiver]
Queued = Callable[[], list[dict[str, Any]]]

QUICK = 1.0  # seconds within which every answer comes


class Clients:
    """Threads that send one webhook after the other, each body unlike any other."""

    def __init__(self, receiver: Receiver, path: str, count: int = 8) -> None:
        self._port = receiver.port
        self._path = path
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self.accepted: list[str] = []
        self.answers: list[tuple[int, float]] = []  # status and seconds
        self._threads = [threading.Thread(target=self._send) for _ in range(count)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._ended.is_set():
            with self._lock:
                self._number += 1
                body = gowa_body(self._number)
            started = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection(
                    "127.0.0.1", self._port, timeout=30
                )
                connection.request("POST", self._path, body, {"X-Hub-Signature-256": sign(body)})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.01)
                continue
            with self._lock:
                self.answers.append((answer.status, time.monotonic() - started))
                if answer.status == 200:
                    self.accepted.append(body.decode())
        if connection is not None:
            connection.close()

    def count(self, status: int) -> int:
        """How many were answered so."""
        with self._lock:
            return sum(answer[0] == status for answer in self.answers)


def test_sigkill_in_mid_stream_loses_nothing_that_got_200(
    start_receiver: Start, device: str, queued: Queued, wait: Wait
) -> None:
    accepted: list[str] = []
    for _ in range(2):
        receiver = start_receiver()
        with Clients(receiver, device) as clients:
            wait(lambda clients=clients: clients.count(200) > 300)
            receiver.process.kill()
            receiver.process.wait()
        accepted += clients.accepted
    stored = {row["body"] for row in queued()}
    assert len(accepted) > 600
    assert set(accepted) - stored == set()


class Outage:
    """A server of the test's own, which can be stopped, killed, frozen and started."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._running = ExitStack()
        self.server: EmbeddedServer = self._running.enter_context(embedded_server(home))
        create_database(self.server.url, "shop")
        self.url = make_conninfo(self.server.url, dbname="shop")

    @property
    def _postmaster(self) -> int:
        return int((self.server.data / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        self._running.enter_context(embedded_server(self.home))

    def stop(self) -> None:
        assert stop(self.home)

    def crash(self) -> None:
        """The whole server dies at once, as by a power cut."""
        family = self._family()
        os.kill(self._postmaster, signal.SIGKILL)
        for process in family[1:]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server hangs: it accepts connections, and answers nothing."""
        family = self._family()
        for process in family:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in family:
                os.kill(process, signal.SIGCONT)

    def _family(self) -> list[int]:
        main = self._postmaster
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def close(self) -> None:
        self._running.close()


@pytest.fixture
def outage() -> Iterator[Outage]:
    with server_folder() as home:
        outage = Outage(home)
        try:
            migrate(outage.url)
            with psycopg.connect(outage.url, autocommit=True) as connection:
                connection.execute(
                    "select from drip.upsert_device('one', 'gowa', p_settings => %s)",
                    [Jsonb({"webhook_secret_name": "hook"})],
                )
            yield outage
        finally:
            outage.close()


def stored_in(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select q.message ->> 'body' from pgmq.q_drip_inbound q")
        return {row[0] for row in rows.fetchall()}


PATH = "/webhooks/device/1"


@pytest.mark.parametrize("way", ["stop", "crash"])
def test_without_postgres_the_answer_is_503_within_a_second_and_nothing_is_missing_afterwards(
    outage: Outage, start_receiver: Start, wait: Wait, way: str
) -> None:
    receiver = start_receiver(outage.url)
    with Clients(receiver, PATH) as clients:
        wait(lambda: clients.count(200) > 200)
        getattr(outage, way)()
        wait(lambda: clients.count(503) > 100)
        health = receiver.request("GET", "/health")
        assert health.status == 503
        refused = receiver.post(PATH, gowa_body())
        assert (refused.status, "retry-after" in refused.headers) == (503, True)
        # neither is an address known that was never looked up
        assert receiver.post("/webhooks/device/77", gowa_body()).status == 503
        before = clients.count(200)
        outage.start()
        wait(lambda: clients.count(200) > before + 200)
        assert receiver.request("GET", "/health").status == 200
    assert {status for status, _ in clients.answers} == {200, 503}
    slowest = max(seconds for status, seconds in clients.answers if status == 503)
    assert slowest < QUICK
    assert set(clients.accepted) - stored_in(outage.url) == set()
    assert "does not take webhooks" in receiver.log
    assert "takes webhooks again" in receiver.log
    assert "Traceback" not in receiver.log


def test_a_server_that_hangs_is_answered_503_within_a_second(
    outage: Outage, start_receiver: Start, wait: Wait
) -> None:
    receiver = start_receiver(outage.url)
    with Clients(receiver, PATH) as clients:
        wait(lambda: clients.count(200) > 100)
        with outage.frozen():
            wait(lambda: clients.count(503) > 30)
            started = time.monotonic()
            assert receiver.request("GET", "/health").status == 503
            assert time.monotonic() - started < QUICK
        before = clients.count(200)
        wait(lambda: clients.count(200) > before + 100)
    assert {status for status, _ in clients.answers} == {200, 503}
    assert max(seconds for status, seconds in clients.answers if status == 503) < QUICK
    assert set(clients.accepted) - stored_in(outage.url) == set()


def test_connections_that_died_while_idle_are_replaced_unseen(
    start_receiver: Start, device: str, conn: Connection
) -> None:
    receiver = start_receiver()
    for number in range(20):  # until each of its connections was used
        assert receiver.post(device, gowa_body(number)).status == 200
    row = conn.execute(
        "select count(pg_terminate_backend(a.pid, 5000)) as cut from pg_stat_activity a"
        " where a.datname = current_database() and a.application_name like 'pgdrip receiver%'"
    ).fetchone()
    assert row is not None
    assert row["cut"] >= 2
    for number in range(20):
        assert receiver.post(device, gowa_body(number)).status == 200


def test_a_queue_that_somebody_holds_is_answered_503_within_a_second(
    start_receiver: Start, device: str, connect: Connect, queued: Queued
) -> None:
    receiver = start_receiver()
    assert receiver.post(device, gowa_body()).status == 200
    holder = connect(autocommit=False)
    holder.execute("lock table pgmq.q_drip_inbound in access exclusive mode")

    def post(number: int) -> tuple[int, float]:
        started = time.monotonic()
        status = receiver.post(device, gowa_body(number)).status
        return status, time.monotonic() - started

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(60)))
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < QUICK
    holder.rollback()
    assert receiver.post(device, gowa_body()).status == 200


def test_one_webhook_that_the_database_refuses_takes_no_other_with_it(
    start_receiver: Start, device: str, conn: Connection, connect: Connect, queued: Queued
) -> None:
    conn.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin"
        " if new.message ->> 'body' like '%\"poison\"%' then"
        "   raise exception using errcode = '22000', message = new.message ->> 'body'; end if;"
        " return new; end $$"
    )
    conn.execute(
        "create trigger refuse before insert on pgmq.q_drip_inbound"
        " for each row execute function refuse()"
    )
    receiver = start_receiver()
    bodies = [gowa_body(number) for number in range(40)]
    bodies[17] = json.dumps({"poison": "Siti"}).encode()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: receiver.post(device, body).status, bodies))
    assert answers[17] == 400
    assert answers[:17] + answers[18:] == [200] * 39
    assert {row["body"] for row in queued()} == {
        body.decode() for number, body in enumerate(bodies) if number != 17
    }
    assert "refused by the database" in receiver.log
    assert "Siti" not in receiver.log


def test_a_database_that_may_only_be_read_is_answered_503(
    start_receiver: Start, device: str, conn: Connection, queued: Queued, wait: Wait
) -> None:
    name = conn.info.dbname
    conn.execute(f"alter database {name} set default_transaction_read_only = on".encode())
    receiver = start_receiver()
    assert receiver.post(device, gowa_body()).status == 503
    assert receiver.request("GET", "/health").status == 503
    conn.execute(f"alter database {name} reset default_transaction_read_only".encode())
    # its connections are replaced, as they must be when a standby was taken over from
    wait(lambda: receiver.post(device, gowa_body()).status == 200)
    assert receiver.request("GET", "/health").status == 200


def test_a_right_that_is_missing_is_no_fault_of_the_webhooks(
    start_receiver: Start, device: str, conn: Connection, wait: Wait
) -> None:
    receiver = start_receiver()
    assert receiver.post(device, gowa_body()).status == 200
    conn.execute("alter function drip.store_webhooks rename to kept")
    assert receiver.post(device, gowa_body()).status == 503
    wait(lambda: "storing webhooks fails" in receiver.log)
    conn.execute("alter function drip.kept rename to store_webhooks")
    assert receiver.post(device, gowa_body()).status == 200
