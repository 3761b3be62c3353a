"""pause_sequence() and resume_sequence(), and the same by a plain UPDATE."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant
from refusals import refusal

PAUSE = "select * from drip.pause_sequence(%s, %s)"
RESUME = "select * from drip.resume_sequence(%s, %s)"


def statuses(plant: Plant, enrollment: int) -> list[str]:
    return [message["status"] for message in plant.journey(enrollment)]


def test_a_pause_holds_what_is_pending(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, name="Warm")
    enrollment = plant.enroll(sequence)

    row = plant.row(PAUSE, "Warm", "too early")

    assert (row["status"], row["pending"], row["outcome"]) == ("paused", 2, "paused")
    # Not even Python can read the time until which they are held: there is none.
    held = plant.rows("select deferred_reason, isfinite(not_before) from drip.broadcast_messages")
    assert [tuple(row.values()) for row in held] == [("sequence_paused", False)] * 2
    assert plant.enrollment(enrollment)["status"] == "paused"
    plant.wake()
    assert plant.claim() == []
    clock.advance(days=30)
    plant.wake()
    assert plant.claim() == []
    again = plant.row(PAUSE, "Warm", None)
    assert (again["outcome"], again["pending"]) == ("already_paused", 2)
    assert plant.value("select status_reason from drip.sequences") == "too early"


def test_a_plain_update_does_the_same(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, name="Warm")
    enrollment = plant.enroll(sequence)

    plant.conn.execute("update drip.sequences set status = 'paused' where name = 'Warm'")
    plant.wake()
    assert plant.claim() == []
    assert plant.enrollment(enrollment)["status"] == "paused"
    assert plant.value("select paused_at from drip.sequences") == clock.now

    clock.advance(hours=1)
    plant.conn.execute("update drip.sequences set status = 'active' where name = 'Warm'")
    assert plant.enrollment(enrollment)["status"] == "pending"
    assert len(plant.claim()) == 1
    assert plant.value("select paused_at from drip.sequences") is None


def test_shift_moves_the_times_by_the_pause(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({"valid_for": "1 hour"}, {}, name="Warm", start_delay="10 minutes")
    enrollment = plant.enroll(sequence)
    before = plant.journey(enrollment)
    clock.advance(minutes=5)
    plant.row(PAUSE, "Warm", None)
    clock.advance(hours=3)

    row = plant.row(RESUME, "Warm", "shift")

    assert (row["status"], row["moved"], row["skipped"], row["outcome"]) == (
        "active",
        2,
        0,
        "resumed",
    )
    after = plant.journey(enrollment)
    for old, new in zip(before, after, strict=True):
        assert new["scheduled_at"] - old["scheduled_at"] == timedelta(hours=3)
        assert new["planned_at"] == old["planned_at"]
        assert new["not_before"] is None
        assert new["deferred_reason"] is None
    assert after[0]["expires_at"] - before[0]["expires_at"] == timedelta(hours=3)
    assert plant.enrollment(enrollment)["next_trigger_time"] == after[0]["scheduled_at"]
    assert plant.row(RESUME, "Warm", "shift")["outcome"] == "already_active"


def test_shift_keeps_the_local_time_of_a_step(clock: Clock, plant: Plant) -> None:
    """A pause of minutes costs a step at 10:00 no day; one of days moves it by those days."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    sequence = plant.sequence({}, {"send_time": "10:00"}, name="Warm")
    enrollment = plant.enroll(sequence)  # Monday 09:00, so Tuesday 10:00
    second = plant.journey(enrollment)[1]["scheduled_at"]

    plant.row(PAUSE, "Warm", None)
    clock.advance(minutes=7)
    plant.row(RESUME, "Warm", "shift")
    assert plant.journey(enrollment)[1]["scheduled_at"] == second

    plant.row(PAUSE, "Warm", None)
    clock.advance(days=3, hours=1)
    plant.row(RESUME, "Warm", "shift")
    assert plant.journey(enrollment)[1]["scheduled_at"] == second + timedelta(days=3)


def test_what_was_planned_during_the_pause_waits_only_for_its_part(
    clock: Clock, plant: Plant
) -> None:
    sequence = plant.sequence({}, name="Warm", start_delay="1 day")
    enrollment = plant.enroll(sequence)
    plant.row(PAUSE, "Warm", None)
    clock.advance(hours=2)
    # As if an application had enrolled in a transaction that was open during the pause.
    plant.conn.execute("update drip.sequence_contacts set enrolled_at = drip.now()")
    before = plant.value("select scheduled_at from drip.broadcast_messages")
    clock.advance(hours=1)
    plant.row(RESUME, "Warm", "shift")
    assert plant.journey(enrollment)[0]["scheduled_at"] == before + timedelta(hours=1)


def test_catch_up_leaves_the_times(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, name="Warm")
    enrollment = plant.enroll(sequence)
    before = [m["scheduled_at"] for m in plant.journey(enrollment)]
    plant.row(PAUSE, "Warm", None)
    clock.advance(days=2)

    row = plant.row(RESUME, "Warm", "catch_up")

    assert (row["moved"], row["skipped"]) == (0, 0)
    assert [m["scheduled_at"] for m in plant.journey(enrollment)] == before
    # LESSONS 19: both are overdue, and still only the first goes.
    assert len(plant.claim()) == 1


def test_skip_drops_what_is_overdue(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence({}, {}, {}, name="Warm")
    enrollment = plant.enroll(sequence)
    plant.row(PAUSE, "Warm", None)
    clock.advance(hours=30)

    row = plant.row(RESUME, "Warm", "skip")

    assert (row["moved"], row["skipped"]) == (0, 2)
    assert statuses(plant, enrollment) == ["skipped", "skipped", "pending"]
    assert {m["status_reason"] for m in plant.journey(enrollment)} == {"skipped_by_resume", None}
    assert plant.enrollment(enrollment)["status"] == "active"


def test_skipping_everything_completes_the_journey(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence({}, name="Warm")
    enrollment = plant.enroll(sequence)
    plant.row(PAUSE, "Warm", None)
    clock.advance(hours=30)
    plant.row(RESUME, "Warm", "skip")
    stored = plant.enrollment(enrollment)
    assert stored["status"] == "completed"
    assert stored["completed_at"] == clock.now


def test_the_policy_does_not_outlive_its_call(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence({}, name="Warm")
    enrollment = plant.enroll(sequence)
    with plant.conn.transaction():
        plant.row(PAUSE, "Warm", None)
        plant.row(RESUME, "Warm", "skip")
        plant.row(PAUSE, "Warm", None)
        plant.conn.execute("update drip.sequences set status = 'active'")
    assert statuses(plant, enrollment) == ["skipped"]
    other = plant.enroll(sequence)
    with plant.conn.transaction():
        plant.row(RESUME, "Warm", "skip")
        plant.conn.execute("update drip.sequences set status = 'paused'")
        plant.conn.execute("update drip.sequences set status = 'active'")
    assert statuses(plant, other) == ["pending"]


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_only_an_active_one_pauses(clock: Clock, plant: Plant, status: str) -> None:
    plant.sequence(name="Warm", start=False)
    if status == "archived":
        plant.row("select * from drip.archive_sequence('Warm')")
    assert refusal(plant.conn, PAUSE, "Warm", None)[0] == "DR005"
    assert refusal(plant.conn, RESUME, "Warm", "shift")[0] == "DR005"


def test_an_unknown_policy_is_told(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    code, _, hint = refusal(plant.conn, RESUME, "Warm", "later")
    assert code == "DR001"
    assert "catch_up" in hint


def test_devices_wake_for_what_is_due(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    sequence = plant.sequence({}, name="Warm")
    plant.enroll(sequence)
    plant.row(PAUSE, "Warm", None)
    plant.conn.execute("listen drip_wake")
    plant.row(RESUME, "Warm", "catch_up")
    [notice] = list(plant.conn.notifies(timeout=5, stop_after=1))
    assert plant.woken(notice.payload) == [device]
