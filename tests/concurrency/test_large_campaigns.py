"""A pause, a resume or a cancel of thousands of messages among claimers."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb
from waiting import wait_until_blocked

LEADS = 5_100  # more than follow in the statement itself


@pytest.fixture
def large(plant: Plant) -> int:
    """A campaign of many leads on three devices, planned."""
    for _ in range(3):
        plant.device()
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, niche, created_at, updated_at)"
        " select %s, '+60' || (111000000 + g), 'many', drip.now(), drip.now()"
        " from generate_series(1, %s) g",
        [plant.user, LEADS],
    )
    row = plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "large", "message": "large", "niche": "many"}),
    )
    plant.row("select * from drip.schedule_campaign('large')")
    while plant.rows("select * from drip.expand_campaigns(3000)"):
        pass
    return int(row["campaign_id"])


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_a_stop_waits_for_a_claim_under_way(
    clock: Clock, plant: Plant, connect: Connect, large: int, verb: str
) -> None:
    """The claim has judged already: the stop comes after it, not between verdict and lease."""
    claimer = clock.join(connect(autocommit=False))
    claimed = plant.claim(session=claimer)
    assert len(claimed) == 3
    stopper = clock.join(connect())
    thread = threading.Thread(
        target=lambda: stopper.execute(f"select * from drip.{verb}_campaign('large')".encode())
    )
    thread.start()
    wait_until_blocked(plant.conn, stopper, by=claimer)
    claimer.commit()
    thread.join(timeout=30)
    assert not thread.is_alive()
    plant.wake()
    assert plant.claim() == []


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_claim_passes_by_a_stop_that_is_not_committed(
    clock: Clock, plant: Plant, connect: Connect, large: int, end: str
) -> None:
    application = clock.join(connect(autocommit=False))
    application.execute("select * from drip.pause_campaign('large')")
    clock.advance(seconds=1)
    single = plant.value("select message_id from drip.send_message('+60198765432', 'now')")
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [single]
    getattr(application, end)()
    plant.wake()
    assert bool(plant.claim()) == (end == "rollback")


def test_nobody_is_lost_or_written_to_twice(plant: Plant, connect: Connect, large: int) -> None:
    """Claimers, verbs and the sweep side by side, by the real clock."""
    errors: list[BaseException] = []
    seen: list[tuple[str, int]] = []
    phase = "running"
    stop = threading.Event()

    def work(session: Connection, step: Any) -> None:
        try:
            while not stop.is_set():
                step(session)
        except BaseException as error:
            errors.append(error)

    def claim(session: Connection) -> None:
        before = phase
        session.execute("select drip.wake_devices('{}')")
        rows = session.execute("select * from drip.claim_messages('w', 3)").fetchall()
        seen.extend((before, row["message_id"]) for row in rows)
        results = [
            {
                "message_id": row["message_id"],
                "attempt": row["attempt"],
                "outcome": "accepted",
                "provider_message_id": f"id-{row['message_id']}",
            }
            for row in rows
        ]
        session.execute("select count(*) from drip.record_results('w', %s)", [json.dumps(results)])

    def sweep(session: Connection) -> None:
        session.execute("select * from drip.sweep_campaigns(300)")

    threads = [
        threading.Thread(target=work, args=[connect(), step])
        for step in (claim, claim, claim, sweep)
    ]
    for thread in threads:
        thread.start()
    try:
        for number in range(8):
            so_far = len(seen)
            while len(seen) < so_far + 20 and not errors:
                stop.wait(0.01)
            plant.row("select * from drip.pause_campaign('large')")
            phase = "paused"
            if number % 2:
                stop.wait(0.1)
            phase = "running"
            plant.row(
                "select * from drip.resume_campaign('large', %s)",
                ("shift", "catch_up")[number % 2],
            )
        so_far = len(seen)
        while len(seen) < so_far + 20 and not errors:
            stop.wait(0.01)
        plant.row("select * from drip.cancel_campaign('large')")
        phase = "paused"
        stop.wait(0.3)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)
    assert errors == []
    assert [message for before, message in seen if before == "paused"] == []
    while plant.rows("select * from drip.sweep_campaigns(3000)"):
        pass
    rows = plant.rows(
        "select status, count(*)::int as n, sum(attempts)::int as attempts"
        " from drip.broadcast_messages where campaign_id = %s group by 1 order by 1",
        large,
    )
    assert [row["status"] for row in rows] == ["cancelled", "sent"]
    assert sum(row["n"] for row in rows) == LEADS
    assert rows[1]["n"] == rows[1]["attempts"] == len(seen) == len(set(seen))
