"""`pgdrip worker` as a process: waking, draining, and what it survives."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow
from worker_process import WorkerProcess

from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]
Start = Callable[..., Any]
Wait = Callable[..., None]
States = Callable[[], dict[str, int]]


def test_sigterm_lets_open_requests_end_and_records_them(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait,
) -> None:  # fmt: skip
    gateway.configure(rates={"hang": 1.0})
    add_device(burst=4)
    send(10)
    worker = start_worker()
    wait(lambda: len(gateway.messages) == 4)
    worker.process.send_signal(signal.SIGTERM)
    wait(lambda: "waiting for open requests" in worker.log)
    assert states() == {"processing": 4, "pending": 6}
    gateway.configure(rates={})
    gateway.release()
    assert worker.ended() == 0
    assert states() == {"sent": 4, "pending": 6}
    assert len(gateway.messages) == 4


def test_a_second_signal_leaves_at_once(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait,
) -> None:  # fmt: skip
    gateway.configure(rates={"hang": 1.0})
    add_device()
    send(1)
    worker = start_worker()
    wait(lambda: len(gateway.messages) == 1)
    worker.process.send_signal(signal.SIGTERM)
    wait(lambda: "waiting for open requests" in worker.log)
    worker.process.send_signal(signal.SIGINT)
    assert worker.ended(5.0) == 128 + signal.SIGINT
    assert states() == {"processing": 1}


def test_a_new_message_is_sent_within_a_second_or_so(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait, conn: Connection,
) -> None:  # fmt: skip
    add_device()
    start_worker()
    # The idle device is parked for up to 15 seconds: only the notification can be this quick.
    wait(lambda: conn.execute("select drip.next_wakeup() > now() + interval '8 s' as parked")
         .fetchone() == {"parked": True})  # fmt: skip
    send(1)
    wait(lambda: states() == {"sent": 1}, seconds=5.0)


def test_the_worker_survives_the_loss_of_all_its_connections(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait, conn: Connection,
) -> None:  # fmt: skip
    add_device()
    worker = start_worker()
    send(3)
    wait(lambda: states() == {"sent": 3})
    row = conn.execute(
        "select count(pg_terminate_backend(a.pid, 5000)) as cut from pg_stat_activity a"
        " where a.datname = current_database() and a.pid <> pg_backend_pid()"
        " and a.application_name like 'pgdrip%'"
    ).fetchone()
    assert row is not None
    assert row["cut"] >= 3
    send(3)
    wait(lambda: states() == {"sent": 6}, seconds=30)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert "Traceback" not in worker.log
    assert len(gateway.messages) == 6


def test_results_of_a_time_without_a_database_are_recorded_after_it(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait, conn: Connection, dsn: str,
    admin: psycopg.Connection[Any],
) -> None:  # fmt: skip
    gateway.configure(rates={"hang": 1.0})
    add_device(burst=5)
    send(8)
    worker = start_worker()
    wait(lambda: len(gateway.messages) == 5)
    name = sql.Identifier(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
    try:
        conn.execute(
            "select pg_terminate_backend(a.pid, 5000) from pg_stat_activity a"
            " where a.datname = current_database() and a.pid <> pg_backend_pid()"
        )
        gateway.configure(rates={})
        gateway.release()
        wait(lambda: "recording failed" in worker.log)
    finally:
        admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
    wait(lambda: states() == {"sent": 8}, seconds=60)
    assert len(gateway.messages) == 8
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0


@pytest.mark.lesson(52)
def test_the_log_holds_no_phone(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait,
) -> None:  # fmt: skip
    gateway.configure(rates={"error_500": 0.5, "not_on_whatsapp": 0.5})
    add_device()
    send(20)
    worker = start_worker()
    wait(lambda: "processing" not in states() and len(gateway.messages) >= 20)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert "60123" not in worker.log


def test_a_database_without_our_schema_is_one_sentence(empty_dsn: str, start_worker: Start) -> None:
    worker = start_worker(empty_dsn)
    assert worker.ended() == 1
    assert "no schema drip" in worker.log
    assert "pgdrip migrate" in worker.log
    assert "Traceback" not in worker.log


def test_a_cancel_of_thousands_is_written_by_the_worker(
    states: States, start_worker: Start, wait: Wait, conn: Connection
) -> None:
    conn.execute(
        "insert into drip.leads (user_id, phone, created_at, updated_at)"
        " select u.id, '+60' || (111000000 + g), now(), now()"
        " from generate_series(1, 5100) g cross join drip.users u"
    )
    conn.execute(
        "select drip.create_campaign("
        """ '{"title": "Raya", "message": "Hi", "everyone": true, "send_days": [1]}')"""
    )
    start_worker()
    conn.execute("select drip.schedule_campaign('Raya')")
    wait(lambda: states() == {"pending": 5100}, seconds=30)
    wait(lambda: conn.execute("select from drip.campaigns where expanded_at is not null").rowcount)
    row = conn.execute("select changed from drip.cancel_campaign('Raya')").fetchone()
    assert row == {"changed": 5100}
    wait(lambda: states() == {"cancelled": 5100}, seconds=30)


def test_a_login_without_the_role_is_told_the_grant_and_nothing_is_tried_again(
    dsn: str, conn: Connection, tmp_path: Path
) -> None:
    conn.execute('create role "sh op""x" login password \'x\'')
    worker = WorkerProcess(make_conninfo(dsn, user='sh op"x', password="x"), tmp_path / "log")
    try:
        assert worker.ended(60) == 1
    finally:
        worker.process.kill()
        worker.process.wait()
        conn.execute('drop role "sh op""x"')
    assert 'grant drip_worker to "sh op""x"' in worker.log
    assert "Traceback" not in worker.log
    assert len(worker.log.splitlines()) <= 3
