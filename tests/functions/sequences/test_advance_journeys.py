"""_advance_journeys(): a coming step moves behind a late one, by the rule of the verdict."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant

DAY = {"trigger_delay_hours": 24}


def ended(plant: Plant, message: int, clock: Clock, status: str = "sent") -> None:
    """The message ended now."""
    plant.update(
        "broadcast_messages",
        message,
        status=status,
        status_reason=None if status == "sent" else "refused",
        attempts=1,
        sent_at=clock.now if status == "sent" else None,
        finished_at=clock.now,
    )


@pytest.mark.parametrize("removed", [[1, 2], [1]])
def test_a_removed_step_that_comes_back_waits_for_no_later_one(
    clock: Clock, plant: Plant, removed: list[int]
) -> None:
    """It was sent before its step was removed, failed, and an operator tries it again."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, DAY, DAY))
    first, second, _ = plant.journey(enrollment)
    clock.advance(days=1)
    ended(plant, second["id"], clock)
    for number, row in enumerate((first, second), 1):
        if number in removed:
            plant.update("sequence_steps", row["sequence_stepid"], retired_at=clock.now)
    plant.update("broadcast_messages", first["id"], scheduled_at=clock.now)
    assert plant.explain(first["id"])["verdict"] == "go"
    plant.row("select drip._advance_journeys(array[%s]::bigint[])", enrollment)
    assert plant.message_row(first["id"])["scheduled_at"] == clock.now


def test_a_remaining_step_waits_for_a_removed_one(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, DAY))
    first, second = plant.journey(enrollment)
    plant.update("sequence_steps", first["sequence_stepid"], retired_at=clock.now)
    clock.advance(hours=20)
    ended(plant, first["id"], clock)
    plant.row("select drip._advance_journeys(array[%s]::bigint[])", enrollment)
    assert plant.message_row(second["id"])["scheduled_at"] == clock.now + timedelta(days=1)
