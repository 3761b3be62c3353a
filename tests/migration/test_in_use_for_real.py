"""All code is rebuilt, and tables change, while two workers send and eight applications call."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Plant
from psycopg import sql
from psycopg.rows import DictRow

from pgdrip.schema import db_dir, drift, migrate
from pgdrip.simulator import SimulatorThread

REBUILDS = 2
PAUSE = 0.02  # seconds between two calls of a client: busy, not a siege
CLIENTS = 2  # of each kind

Connection = psycopg.Connection[DictRow]
Call = Callable[[psycopg.Connection[Any], int], object]


class Clients:
    """Applications that call until they are told to stop."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []
        self.calls: dict[str, int] = {}
        self.failures: list[str] = []

    def start(self, name: str, role: str, call: Call) -> None:
        """One more application, a member of that role."""
        self.calls[name] = 0
        thread = threading.Thread(target=self._run, args=(name, role, call), name=name)
        self._threads.append(thread)
        thread.start()

    def _run(self, name: str, role: str, call: Call) -> None:
        with psycopg.connect(self._dsn, autocommit=True, application_name=name) as conn:
            conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            for number in itertools.count():
                if self._done.wait(PAUSE):
                    return
                try:
                    call(conn, number)
                    self.calls[name] += 1
                except psycopg.Error as exc:
                    self.failures.append(f"{name}, call {number}: {exc.sqlstate} {exc}")

    def stop(self) -> None:
        """End them all."""
        self._done.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def clients(dsn: str) -> Iterator[Clients]:
    running = Clients(dsn)
    yield running
    running.stop()


@pytest.fixture
def workers(dsn: str, tmp_path: Path) -> Iterator[list[Path]]:
    """Two workers; their logs. They end well, each by a SIGTERM."""
    logs = [tmp_path / f"worker{number}.log" for number in range(2)]
    processes = []
    for path in logs:
        with path.open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "pgdrip", "worker"],
                    stdout=log,
                    stderr=log,
                    env={
                        **os.environ,
                        "DATABASE_URL": dsn,
                        "PGDRIP_LOG_FORMAT": "json",
                        "PGDRIP_CONCURRENCY": "20",
                    },
                )
            )
    try:
        for path, process in zip(logs, processes, strict=True):
            while "worker started" not in path.read_text():
                assert process.poll() is None, path.read_text()
        yield logs
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(60) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def add_revision(folder: Path, number: int) -> None:
    """A revision that changes the two tables that everybody uses."""
    versions = folder / "migrations" / "versions"
    head = max(path.stem[:4] for path in versions.glob("[0-9]*.py"))
    (versions / f"9{number:03}_more.py").write_text(
        "from pgdrip.schema import run_script\n"
        f'revision = "9{number:03}"\ndown_revision = "{head}"\n'
        "def upgrade() -> None:\n"
        f'    run_script("alter table drip.broadcast_messages add column more_{number} int;'
        f' alter table drip.leads add column more_{number} int")\n'
    )


def phone(kind: int, client: int, number: int) -> str:
    return f"+6012{kind}{client}{number:06d}"


def test_nobody_notices_an_upgrade(
    dsn: str,
    conn: Connection,
    plant: Plant,
    clients: Clients,
    workers: list[Path],
    wait_for: Callable[..., None],
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(db_dir(), tmp_path / "db")
    views = [
        str(row["name"])
        for row in plant.rows(
            "select 'drip.' || v.viewname as name from pg_views as v"
            " where v.schemaname = 'drip' and v.viewname !~ '^_'"
        )
    ]
    for role in ("drip_app", "drip_reader"):
        plant.assign(role)
    outcomes: Counter[str] = Counter()
    with SimulatorThread() as gateway:
        for name in ("one", "two", "three"):
            conn.execute(
                "select drip.upsert_device(p_name => %s, p_platform => 'gowa', p_endpoint => %s,"
                ' p_instance => %s, p_settings => \'{"min_delay_seconds": 0,'
                ' "max_delay_seconds": 0, "burst": 10}\')',
                [name, gateway.url, name],
            )
        sequence = plant.sequence({}, {"trigger_delay_hours": 0.0003}, name="welcome")

        def enroll(client: int) -> Call:
            return lambda session, number: outcomes.update(
                str(row[0])
                for row in session.execute(
                    "select e.outcome from drip.enroll_lead('welcome', %s) as e",
                    [phone(1, client, number)],
                )
            )

        def send(client: int) -> Call:
            return lambda session, number: session.execute(
                "select * from drip.send_message(%s, 'Hello {name}', p_idempotency_key => %s)",
                [phone(2, client, number), f"{client}-{number}"],
            )

        def opt_out(client: int) -> Call:
            return lambda session, number: session.execute(
                "select * from drip.opt_out(%s, 'asked on the phone')",
                [phone(1, client, number // 3)],
            )

        def read(client: int) -> Call:
            return lambda session, number: session.execute(
                f"select * from {views[(number + client) % len(views)]} as v limit 50".encode()
            )

        for client in range(CLIENTS):
            clients.start(f"enroll {client}", "drip_app", enroll(client))
            clients.start(f"send {client}", "drip_app", send(client))
            clients.start(f"opt out {client}", "drip_app", opt_out(client))
            clients.start(f"read {client}", "drip_reader", read(client))
        code = plant.value("select count(*) from drip.code_objects where file <> '(revision)'")
        for number in range(REBUILDS):
            if number % 2:
                add_revision(folder, number)
            before = dict(clients.calls), len(gateway.messages)
            conn.execute("update drip.code_objects set checksum = '' where file <> '(revision)'")
            # Whether clients notice is asked here; how long they keep an upgrade waiting is the
            # machine's business: sixteen of them and two workers share its processors with it.
            report = migrate(dsn, folder=folder, lock_timeout=150)
            assert (len(report.rebuilt), len(report.revisions)) == (code, number % 2)
            wait_for(
                lambda before=before: (
                    clients.failures
                    or (
                        all(n > before[0][name] for name, n in clients.calls.items())
                        and len(gateway.messages) > before[1]
                    )
                ),
                lambda: f"all work on: {clients.calls}, {len(gateway.messages)} sent",
            )
            assert clients.failures == []
        clients.stop()
        assert clients.failures == []
        for log in workers:
            lines = log.read_text().splitlines()
            # A claim has five seconds and is repeated: on a slow machine a rebuild takes longer.
            assert [
                line
                for line in lines
                if '"level": "info"' not in line
                and '"error": "The database cancelled the statement."' not in line
                and '"error": "57014: canceling statement due to statement timeout"' not in line
            ] == []
        assert outcomes.keys() <= {"enrolled", "suppressed"}
        enrolled = "select count(*) from drip.sequence_contacts where sequence_id = %s"
        assert plant.value(enrolled, sequence) == outcomes["enrolled"] > REBUILDS
        assert drift(dsn, folder=folder) == []
