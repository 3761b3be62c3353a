"""_sync_enrollments(): the one place that derives an enrollment's state from its messages."""

from __future__ import annotations

from factory import Clock, Plant


def test_a_result_touches_no_other_journey(clock: Clock, plant: Plant) -> None:
    """An exited journey stays exited when another one's result comes."""
    plant.device()
    sequence = plant.sequence({}, {})
    left, stays = plant.enroll(sequence), plant.enroll(sequence)
    phone = plant.enrollment(left)["contact_phone"]
    plant.row("select * from drip.exit_lead(%s, %s, 'moved away')", str(sequence), phone)
    before = plant.enrollment(left)
    clock.advance(minutes=1)

    [claimed] = plant.claim()
    plant.answer(claimed)

    assert plant.enrollment(left) == before
    assert plant.enrollment(stays)["status"] == "sent"
