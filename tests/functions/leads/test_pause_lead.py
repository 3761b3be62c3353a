"""pause_lead() and what it holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"
PAUSE = "select * from drip.pause_lead(%s, %s, %s)"


def test_nothing_goes_until_then(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(PHONE)
    message = plant.message(device, lead)
    until = clock.now + timedelta(hours=3)

    paused = plant.row(PAUSE, "+60 12-345 6789", until, "on holiday")

    assert paused == {
        "lead_id": lead,
        "phone": PHONE,
        "paused_until": until,
        "held": 1,
        "outcome": "paused",
    }
    row = plant.row("select paused_until, pause_reason from drip.leads")
    assert row == {"paused_until": until, "pause_reason": "on holiday"}
    held = plant.message_row(message)
    assert (held["not_before"], held["deferred_reason"]) == (until, "lead_paused")
    planned_meanwhile = plant.message(device, lead)
    clock.advance(hours=2)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(planned_meanwhile)["reason"] == "lead_paused"
    clock.advance(hours=1, minutes=2)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_without_an_end_it_lasts_until_resume(clock: Clock, plant: Plant) -> None:
    plant.message(plant.device(), plant.lead(PHONE))
    paused = plant.row(PAUSE, PHONE, None, None)
    assert (paused["outcome"], paused["paused_until"]) == ("paused", None)
    found = plant.row("select is_paused, paused_until from drip.find_lead(%s)", PHONE)
    assert found == {"is_paused": True, "paused_until": None}
    clock.advance(days=400)
    plant.wake()
    assert plant.claim() == []


def test_a_repeat_says_so_and_another_end_replaces_the_first(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(), plant.lead(PHONE))
    long, short = clock.now + timedelta(days=9), clock.now + timedelta(days=1)
    assert plant.row(PAUSE, PHONE, long, None)["outcome"] == "paused"
    assert plant.row(PAUSE, PHONE, long, None)["outcome"] == "already_paused"
    assert plant.row(PAUSE, PHONE, short, None)["outcome"] == "paused"
    assert plant.message_row(message)["not_before"] == short


def test_a_later_time_of_its_own_stays(clock: Clock, plant: Plant) -> None:
    later = clock.now + timedelta(days=5)
    message = plant.message(
        plant.device(), plant.lead(PHONE), not_before=later, deferred_reason="not_due"
    )
    plant.row(PAUSE, PHONE, clock.now + timedelta(days=1), None)
    assert plant.message_row(message)["not_before"] == later


@pytest.mark.parametrize(
    ("phone", "until", "code"),
    [
        (PHONE, "2026-03-02 09:00+08", "DR001"),
        (PHONE, "2020-01-01", "DR001"),
        (PHONE, "-infinity", "DR001"),
        ("+60199999999", None, "DR012"),
        ("x", None, "DR002"),
    ],
)
def test_what_cannot_be_is_refused(
    clock: Clock, conn: Connection, plant: Plant, phone: str, until: Any, code: str
) -> None:
    plant.lead(PHONE)
    assert refusal(conn, PAUSE, phone, until, None)[0] == code


def test_a_journey_waits_for_the_sweep_that_moves_its_times(clock: Clock, plant: Plant) -> None:
    """Its end is a time, and so is the validity: neither is lost between the two."""
    plant.device()
    lead = plant.lead(PHONE)
    enrollment = plant.enroll(plant.sequence({"valid_for": "1 hour"}, {}), lead)
    until = clock.now + timedelta(days=2)
    plant.row(PAUSE, PHONE, until, None)
    planned = [row["scheduled_at"] for row in plant.journey(enrollment)]
    clock.set(until + timedelta(seconds=7))
    plant.wake()
    assert plant.claim() == []
    explained = plant.explain(plant.journey(enrollment)[0]["id"])
    assert (explained["verdict"], explained["reason"]) == ("wait", "lead_paused")
    assert plant.tick()["end_pauses"]["rows"] == 1
    assert [row["scheduled_at"] for row in plant.journey(enrollment)] == [
        at + timedelta(days=2) for at in planned
    ]
    plant.wake()
    assert len(plant.claim()) == 1


def test_who_is_enrolled_meanwhile_is_shown_as_paused(clock: Clock, plant: Plant) -> None:
    plant.device()
    lead = plant.lead(PHONE)
    plant.row(PAUSE, PHONE, clock.now + timedelta(days=2), None)
    clock.advance(days=1)
    enrollment = plant.enroll(plant.sequence(start_delay="1 hour"), lead)
    assert plant.enrollment(enrollment)["status"] == "paused"
    clock.advance(days=1)
    plant.tick()
    assert plant.enrollment(enrollment)["status"] == "pending"
    # a day of the pause was its own
    assert plant.journey(enrollment)[0]["scheduled_at"] == clock.now + timedelta(hours=1)


def test_an_update_does_the_same(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(PHONE)
    enrollment = plant.enroll(plant.sequence(start_delay="1 hour"), lead)
    single = plant.message(device, lead)
    plant.update("leads", lead, paused_until="infinity")
    assert plant.enrollment(enrollment)["status"] == "paused"
    assert plant.message_row(single)["deferred_reason"] == "lead_paused"
    clock.advance(hours=5)
    plant.update("leads", lead, paused_until=None)
    assert plant.enrollment(enrollment)["status"] == "pending"
    assert plant.journey(enrollment)[0]["scheduled_at"] == clock.now + timedelta(hours=1)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [single]


def test_the_sweep_leaves_a_lead_of_whom_somebody_holds_a_message(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.device()
    for phone in (PHONE, "+60123456780"):
        plant.enroll(plant.sequence(), plant.lead(phone))
        plant.row(PAUSE, phone, clock.now + timedelta(hours=1), None)
    clock.advance(hours=2)
    with connect(autocommit=False) as session:
        session.execute("select from drip.broadcast_messages order by id limit 1 for update")
        assert plant.tick()["end_pauses"]["rows"] == 1
    assert plant.tick()["end_pauses"]["rows"] == 1
