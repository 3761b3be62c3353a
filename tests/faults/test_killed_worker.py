"""A worker that is killed in the middle of sending: nothing lost, nothing sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow

from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]
Start = Callable[..., Any]
Wait = Callable[..., None]
States = Callable[[], dict[str, int]]


def lapse_leases(conn: Connection) -> None:
    """Move the clock of the open leases, as ninety seconds of waiting would."""
    conn.execute(
        "update drip.broadcast_messages m set lease_expires_at = pg_catalog.now()"
        " where m.status = 'processing'"
    )


@pytest.mark.lesson(3)
def test_sigkill_with_open_requests_loses_nothing_and_repeats_nothing(
    gateway: SimulatorThread, add_device: Callable[..., int], send: Callable[[int], None],
    states: States, start_worker: Start, wait: Wait, conn: Connection,
) -> None:  # fmt: skip
    gateway.configure(rates={"hang": 1.0})
    for name in ("one", "two", "three"):
        add_device(name, burst=5)
    send(60)
    worker = start_worker()
    wait(lambda: len(gateway.messages) == 15)
    assert not any(message.answered for message in gateway.messages)
    worker.process.kill()
    worker.process.wait()
    assert states() == {"processing": 15, "pending": 45}

    gateway.configure(rates={})
    gateway.release()
    start_worker()
    lapse_leases(conn)
    wait(lambda: states() == {"unknown": 15, "sent": 45}, seconds=40)

    received = Counter(message.phone for message in gateway.messages)
    assert len(received) == 60
    assert set(received.values()) == {1}
    # a view says what is in doubt, and why
    rows = conn.execute(
        "select m.status_reason, m.sentence, count(*) as messages from drip.message_log m"
        " where m.status = 'unknown' group by 1, 2"
    ).fetchall()
    assert [(row["status_reason"], row["messages"]) for row in rows] == [("lease_expired", 15)]
    assert "worker was lost" in rows[0]["sentence"]
    attempts = conn.execute(
        "select a.outcome, count(*) as attempts from drip.message_attempts a group by 1"
    ).fetchall()
    assert {row["outcome"]: row["attempts"] for row in attempts} == {
        "lease_expired": 15,
        "accepted": 45,
    }


def test_a_journey_waits_behind_a_step_that_nobody_knows_of(
    gateway: SimulatorThread, add_device: Callable[..., int], states: States,
    start_worker: Start, wait: Wait, conn: Connection,
) -> None:  # fmt: skip
    gateway.configure(rates={"hang": 1.0})
    add_device()
    conn.execute(
        'select * from drip.create_sequence(\'{"name": "S", "auto_enroll": "manual",'
        ' "start_delay": "0", "steps": [{"content": "one"},'
        ' {"content": "two", "trigger_delay_hours": 0}]}\')'
    )
    conn.execute("select * from drip.start_sequence('S')")
    conn.execute("select * from drip.enroll_lead('S', '+60123456789')")
    worker = start_worker()
    wait(lambda: len(gateway.messages) == 1)
    worker.process.kill()
    worker.process.wait()
    gateway.configure(rates={})
    gateway.release()
    start_worker()
    lapse_leases(conn)
    wait(lambda: states() == {"unknown": 1, "pending": 1})
    outlook = conn.execute(
        "select o.verdict, o.reason, o.earliest > pg_catalog.now() as is_later"
        " from drip.message_outlook o"
    ).fetchall()
    assert outlook == [{"verdict": "wait", "reason": "predecessor_unknown", "is_later": True}]
    assert len(gateway.messages) == 1
