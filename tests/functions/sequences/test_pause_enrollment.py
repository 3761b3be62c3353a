"""pause_enrollment(): one journey stands still, by the verb or by an UPDATE."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import END_OF_TIME, Clock, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"
PAUSE = "select * from drip.pause_enrollment(%s, %s, %s, %s)"
RESUME = "select * from drip.resume_enrollment(%s, %s)"


def test_nothing_of_it_leaves_and_others_go_on(clock: Clock, plant: Plant) -> None:
    plant.device(burst=9)
    sequence = plant.sequence({"content": "1"}, {"content": "2"}, name="Warm")
    lead = plant.lead(PHONE)
    enrollment = plant.enroll(sequence, lead)
    other = plant.enroll(sequence)
    elsewhere = plant.enroll(plant.sequence({"content": "elsewhere"}), lead)

    paused = plant.row(PAUSE, "Warm", "+60 12-345 6789", " on holiday ", "")

    assert paused == {
        "enrollment_id": enrollment,
        "lead_id": lead,
        "pending": 2,
        "outcome": "paused",
    }
    row = plant.enrollment(enrollment)
    assert (row["status"], row["paused_at"], row["pause_reason"]) == (
        "paused",
        clock.now,
        "on holiday",
    )
    held = plant.journey(enrollment)[0]
    assert (held["not_before"], held["deferred_reason"]) == (END_OF_TIME, "enrollment_paused")
    plant.live(clock, clock.now + timedelta(days=3))
    assert [m["status"] for m in plant.journey(enrollment)] == ["pending", "pending"]
    assert plant.enrollment(other)["status"] == "completed"
    assert plant.enrollment(elsewhere)["status"] == "completed"
    audit = plant.row("select * from drip.audit_log where action = 'pause_enrollment'")
    assert (audit["subject_id"], audit["reason"]) == (enrollment, "on holiday")


def test_a_repeat_changes_nothing(clock: Clock, plant: Plant) -> None:
    enrollment = plant.enroll(plant.sequence(name="Warm"), plant.lead(PHONE))
    plant.row(PAUSE, "Warm", PHONE, "first", "")
    since = clock.now
    clock.advance(hours=1)
    again = plant.row(PAUSE, "Warm", PHONE, "second", "")
    assert (again["outcome"], again["pending"]) == ("already_paused", 1)
    row = plant.enrollment(enrollment)
    assert (row["paused_at"], row["pause_reason"]) == (since, "first")


def test_who_is_not_in_it(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(name="Warm")
    lead = plant.lead(PHONE)
    nobody = {"enrollment_id": None, "pending": 0, "outcome": "not_enrolled"}
    assert plant.row(PAUSE, "Warm", "+60129999999", None, "") == nobody | {"lead_id": None}
    plant.enroll(sequence, lead)
    assert plant.row(PAUSE, "Warm", PHONE, None, "order-7") == nobody | {"lead_id": lead}
    plant.row("select * from drip.exit_lead('Warm', %s)", PHONE)
    assert plant.row(PAUSE, "Warm", PHONE, None, "") == nobody | {"lead_id": lead}


def test_the_key_names_one_of_several(clock: Clock, plant: Plant) -> None:
    plant.device(burst=9)
    plant.sequence(name="Warm")
    plant.lead(PHONE)
    for key in ("", "order-7"):
        plant.row("select * from drip.enroll_lead('Warm', %s, p_key => %s)", PHONE, key)
    plant.row(PAUSE, "Warm", PHONE, None, "order-7")
    states = plant.rows("select key, status from drip.sequence_contacts order by key")
    assert states == [{"key": "", "status": "pending"}, {"key": "order-7", "status": "paused"}]
    assert len(plant.live(clock, clock.now + timedelta(days=1))) == 1


def test_explain_names_the_statement_that_mends_it(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence(name="Warm")
    plant.lead(PHONE)
    plant.row("select * from drip.enroll_lead('Warm', %s, p_key => 'order ''7''')", PHONE)
    plant.row(PAUSE, "Warm", PHONE, "asked", "order '7'")
    message = plant.value("select id from drip.broadcast_messages")
    explained = plant.explain(message)
    assert (explained["verdict"], explained["reason"]) == ("wait", "enrollment_paused")
    plant.conn.execute(explained["remedy"].encode())
    assert plant.explain(message)["reason"] is None
    assert plant.value("select paused_at from drip.sequence_contacts") is None


def test_behind_the_pause_nothing_expires(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(
        plant.sequence({"valid_for": "1 hour"}, name="Warm"), plant.lead(PHONE)
    )
    plant.row(PAUSE, "Warm", PHONE, None, "")
    plant.live(clock, clock.now + timedelta(days=2))
    assert plant.journey(enrollment)[0]["status"] == "pending"
    plant.row(RESUME, "Warm", PHONE)
    assert len(plant.live(clock, clock.now + timedelta(hours=1))) == 1


def test_an_update_of_status_does_the_same(clock: Clock, plant: Plant) -> None:
    start = clock.now
    plant.device()
    enrollment = plant.enroll(plant.sequence({"content": "1"}, {"content": "2"}))
    plant.live(clock, clock.now + timedelta(hours=1))
    plant.update("sequence_contacts", enrollment, status="paused")
    assert plant.enrollment(enrollment)["paused_at"] == clock.now
    assert plant.live(clock, clock.now + timedelta(days=2)) == []
    plant.update("sequence_contacts", enrollment, status="active")
    row = plant.enrollment(enrollment)
    # the state is derived, whatever was written
    assert (row["status"], row["paused_at"]) == ("sent", None)
    handed = plant.live(clock, start + timedelta(days=9))
    assert [at - start for at, _, _ in handed] == [timedelta(days=3)]


def test_what_is_on_its_way_may_end_the_journey(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence(name="Warm"), plant.lead(PHONE))
    [claimed] = plant.claim()
    plant.row(PAUSE, "Warm", PHONE, "too late", "")
    assert plant.enrollment(enrollment)["status"] == "paused"
    plant.answer(claimed)
    row = plant.enrollment(enrollment)
    assert (row["status"], row["paused_at"], row["pause_reason"]) == ("completed", None, None)


def test_an_exit_ends_the_pause(clock: Clock, plant: Plant) -> None:
    enrollment = plant.enroll(plant.sequence(name="Warm"), plant.lead(PHONE))
    plant.row(PAUSE, "Warm", PHONE, None, "")
    plant.row("select * from drip.exit_lead('Warm', %s)", PHONE)
    row = plant.enrollment(enrollment)
    assert (row["status"], row["paused_at"]) == ("exited", None)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("Wrm", PHONE, None, ""), "DR012"),
        ((None, PHONE, None, ""), "DR001"),
        (("Warm", "x", None, ""), "DR002"),
        (("Warm", None, None, ""), "DR002"),
        (("Warm", PHONE, None, "k" * 1000), "DR001"),
    ],
)
def test_what_cannot_be_is_refused(
    clock: Clock, conn: Connection, plant: Plant, arguments: tuple[Any, ...], code: str
) -> None:
    plant.sequence(name="Warm")
    assert refusal(conn, PAUSE, *arguments)[0] == code
