"""sequence_progress_monitor: where each contact stands in each sequence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant

# The columns that operators know, in their order.
KNOWN = [
    "sequence_name",
    "contact_phone",
    "current_step",
    "step_status",
    "message_status",
    "next_trigger_time",
    "completed_at",
    "sent_at",
    "error_message",
    "current_state",
]


def monitor(plant: Plant) -> list[dict[str, Any]]:
    return plant.rows(
        "select * from drip.sequence_progress_monitor order by enrollment_id, current_step"
    )


def test_the_known_columns_come_first_in_their_order(plant: Plant) -> None:
    columns = plant.rows(
        "select attname from pg_attribute"
        " where attrelid = 'drip.sequence_progress_monitor'::regclass and attnum > 0"
        " order by attnum"
    )
    assert [row["attname"] for row in columns][:10] == KNOWN


def test_a_journey_from_enrollment_to_its_end(clock: Clock, plant: Plant) -> None:
    plant.device()
    start = clock.now
    sequence = plant.sequence({}, {"trigger_delay_hours": 2}, name="WARM", start_delay="5 minutes")
    plant.enroll(sequence, plant.lead("+60123456789", name="Aminah"))

    first, second = monitor(plant)
    assert first["sequence_name"] == "WARM"
    assert first["contact_phone"] == "+60123456789"
    assert [first["current_step"], second["current_step"]] == [1, 2]
    assert [first["step_status"], first["message_status"]] == ["pending", "pending"]
    assert first["next_trigger_time"] == start + timedelta(minutes=5)
    assert [first["current_state"], second["current_state"]] == ["Scheduled", "Waiting"]
    assert (first["next_step"], first["steps_finished"], first["steps_total"]) == (1, 0, 2)

    clock.advance(minutes=5)
    assert monitor(plant)[0]["current_state"] == "Ready to send"
    plant.wake()
    [claimed] = plant.claim()
    assert monitor(plant)[0]["current_state"] == "Sending"
    plant.answer(claimed)

    first, second = monitor(plant)
    assert (first["step_status"], first["message_status"]) == ("sent", "sent")
    assert (first["sent_at"], second["sent_at"]) == (clock.now, None)
    assert first["current_state"] == "Message sent"
    assert second["current_state"] == "Scheduled"
    assert second["next_trigger_time"] == clock.now + timedelta(hours=2)
    assert (second["next_step"], second["steps_finished"]) == (2, 1)
    assert first["completed_at"] is None

    clock.advance(hours=2)
    plant.wake()
    plant.answer(plant.claim()[0])
    first, second = monitor(plant)
    assert {row["step_status"] for row in (first, second)} == {"completed"}
    assert {row["current_state"] for row in (first, second)} == {"Step completed"}
    assert {row["completed_at"] for row in (first, second)} == {clock.now}
    assert {row["next_trigger_time"] for row in (first, second)} == {None}
    assert (first["next_step"], first["steps_finished"]) == (None, 2)


def test_a_failed_step_says_its_error_and_the_journey_goes_on(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}))
    plant.answer(plant.claim()[0], "permanent", error_message="not on WhatsApp")
    first, second = monitor(plant)
    assert (first["step_status"], first["message_status"]) == ("failed", "failed")
    assert (first["error_message"], second["error_message"]) == ("not on WhatsApp", None)
    assert first["current_state"] == "Message failed"
    assert second["current_state"] == "Scheduled"


def test_a_pause_shows(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence()
    plant.enroll(sequence)
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    [row] = monitor(plant)
    assert (row["step_status"], row["current_state"]) == ("paused", "Paused")


@pytest.mark.lesson(46, story=True)
def test_completed_never_has_a_future_time(clock: Clock, plant: Plant) -> None:
    """Whatever the way to the end."""
    plant.device()
    sequence = plant.sequence({}, {"trigger_delay_hours": 24}, on_step_failure="stop")
    plant.enroll(sequence, plant.lead("+60123456780"))
    plant.enroll(sequence, plant.lead("+60123456781"))
    plant.row("select * from drip.exit_lead(%s, '+60123456781', 'bought')", str(sequence))
    plant.answer(plant.claim()[0], "permanent")
    rows = monitor(plant)
    assert {row["step_status"] for row in rows} == {"sequence_failed", "exited"}
    assert {row["next_trigger_time"] for row in rows} == {None}
    assert {row["completed_at"] for row in rows} == {clock.now}
    assert {row["exit_reason"] for row in rows} == {None, "bought"}


def test_the_overview_and_the_monitor_hide_phones(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.device()
    plant.enroll(plant.sequence(), plant.lead("+60123456789"))
    plant.assign("drip_reader")
    reader = clock.join(connect(role="drip_reader"))
    row = reader.execute("select contact_phone from drip.sequence_progress_monitor").fetchone()
    assert row == {"contact_phone": "+601*****789"}
