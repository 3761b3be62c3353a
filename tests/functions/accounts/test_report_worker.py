"""report_worker(): a worker's heartbeat."""

from __future__ import annotations

from factory import Clock, Connection, Plant
from refusals import refusal


def test_a_worker_starts_is_seen_stops_and_starts_again(clock: Clock, plant: Plant) -> None:
    query = "select outcome from drip.report_worker('host:7', '0.1.0', 100, %s)"
    started = clock.now
    assert plant.value(query, False) == "started"
    clock.advance(seconds=15)
    assert plant.value(query, False) == "seen"
    row = plant.row("select * from drip.workers")
    assert (row["started_at"], row["last_seen"]) == (started, clock.now)
    assert (row["version"], row["concurrency"], row["stopped_at"]) == ("0.1.0", 100, None)
    clock.advance(seconds=15)
    assert plant.value(query, True) == "stopped"
    assert plant.row("select * from drip.workers")["stopped_at"] == clock.now
    clock.advance(seconds=15)
    assert plant.value(query, False) == "started"
    row = plant.row("select * from drip.workers")
    assert (row["started_at"], row["stopped_at"]) == (clock.now, None)


def test_a_worker_has_a_name(conn: Connection) -> None:
    assert refusal(conn, "select * from drip.report_worker(' ')")[0] == "DR001"
