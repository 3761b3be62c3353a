"""archive_sequence() and delete_sequence(): the ends of a sequence."""

from __future__ import annotations

from factory import Clock, Plant
from refusals import refusal

ARCHIVE = "select * from drip.archive_sequence(%s)"
DELETE = "select * from drip.delete_sequence(%s)"


def test_live_journeys_exit(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {}, name="Warm")
    enrollment = plant.enroll(sequence)

    row = plant.row(ARCHIVE, "Warm")

    assert (row["status"], row["exited"], row["outcome"]) == ("archived", 1, "archived")
    stored = plant.enrollment(enrollment)
    assert (stored["status"], stored["exit_reason"]) == ("exited", "sequence_archived")
    assert stored["completed_at"] == clock.now
    assert stored["next_trigger_time"] is None
    assert {m["status"] for m in plant.journey(enrollment)} == {"cancelled"}
    plant.wake()
    assert plant.claim() == []
    assert plant.row(ARCHIVE, "Warm")["outcome"] == "already_archived"


def test_archived_is_the_end(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    plant.row(ARCHIVE, "Warm")
    code, _, _ = refusal(plant.conn, "update drip.sequences set status = 'active'")
    assert code == "DR005"


def test_a_draft_is_deleted_with_its_steps(clock: Clock, plant: Plant) -> None:
    plant.sequence({}, {}, name="Warm", start=False)
    assert plant.row(DELETE, "Warm")["outcome"] == "deleted"
    assert plant.value("select count(*) from drip.sequence_steps") == 0


def test_only_drafts_are_deleted(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    assert refusal(plant.conn, DELETE, "Warm")[0] == "DR005"
    plant.row(ARCHIVE, "Warm")
    assert refusal(plant.conn, DELETE, "Warm")[0] == "DR005"
