"""expire_leases(): a lapsed lease is unknown, never pending; and how an unknown's hold ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant


def expire(plant: Plant, limit: int = 1000) -> tuple[int, int]:
    row = plant.row("select * from drip.expire_leases(%s)", limit)
    return row["expired"], row["remaining"]


@pytest.mark.lesson(3)
def test_a_lapsed_lease_is_unknown(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.claim()
    clock.advance(seconds=90, milliseconds=-1)
    assert expire(plant) == (0, 0)
    clock.advance(milliseconds=1)
    assert expire(plant) == (1, 0)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"]) == ("unknown", "lease_expired")
    assert row["error_code"] == "LEASE_EXPIRED"
    assert row["finished_at"] == clock.now
    assert plant.value("select outcome from drip.message_attempts") == "lease_expired"
    assert expire(plant) == (0, 0)


@pytest.mark.lesson(4)
def test_it_is_not_sent_again(clock: Clock, plant: Plant) -> None:
    plant.message(plant.device())
    plant.claim()
    for _ in range(5):
        clock.advance(days=1)
        plant.tick()
        plant.wake()
        assert plant.claim() == []


def test_the_devices_policy_may_send_it_again(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(unknown_policy="retry"), max_failures=2)
    plant.claim()
    clock.advance(seconds=90)
    expire(plant)
    row = plant.message_row(message)
    assert (row["status"], row["status_reason"], row["failures"]) == ("pending", "will_retry", 1)
    clock.set(row["not_before"])
    plant.wake()
    [again] = plant.claim()
    assert again["attempt"] == 2
    clock.advance(seconds=90)
    expire(plant)
    assert plant.message_row(message)["status"] == "unknown"


def test_the_device_goes_on_with_the_next(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    plant.message(device)
    following = plant.message(device)
    plant.claim()
    clock.advance(seconds=90)
    plant.claim()
    expire(plant)
    assert [row["message_id"] for row in plant.claim()] == [following]


def test_one_chunk_a_call(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=5)
    for _ in range(5):
        plant.message(device)
    assert len(plant.claim()) == 5
    clock.advance(seconds=90)
    assert [expire(plant, 2), expire(plant, 2), expire(plant, 2)] == [(2, 3), (2, 1), (1, 0)]


def test_the_next_step_waits_for_a_held_unknown(clock: Clock, plant: Plant) -> None:
    """A day by default; then the journey goes on, and the unknown stays one."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}))
    first, second = plant.journey(enrollment)
    plant.claim()
    clock.advance(seconds=90)
    plant.tick()
    lapsed = clock.now
    assert plant.enrollment(enrollment)["status"] == "active"

    clock.advance(hours=2)
    plant.wake()
    assert plant.claim() == []
    explained = plant.explain(second["id"])
    assert explained["reason"] == "predecessor_unknown"
    assert explained["earliest"] == lapsed + timedelta(hours=24)

    clock.set(lapsed + timedelta(hours=24))
    plant.tick()
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [second["id"]]
    assert plant.message_row(first["id"])["status"] == "unknown"


def test_a_journey_that_ends_in_an_unknown_completes_after_the_hold(
    clock: Clock, plant: Plant
) -> None:
    plant.tenant(unknown_hold=timedelta(hours=3))
    plant.device()
    enrollment = plant.enroll(plant.sequence())
    plant.answer(plant.claim()[0], "unknown")
    clock.advance(hours=2)
    plant.tick()
    assert plant.enrollment(enrollment)["completed_at"] is None
    clock.advance(hours=1)
    plant.tick()
    row = plant.enrollment(enrollment)
    assert (row["status"], row["completed_at"]) == ("completed", clock.now)
    [message] = plant.journey(enrollment)
    assert message["status"] == "unknown"
    assert plant.value("select messages_unknown from drip.sequence_overview") == 1


def test_a_late_accepted_ends_the_hold_at_once(clock: Clock, plant: Plant) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 0}))
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown")
    plant.claim()
    clock.advance(minutes=5)
    plant.answer(claimed)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [plant.journey(enrollment)[1]["id"]]
