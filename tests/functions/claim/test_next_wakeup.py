"""next_wakeup(): until when a worker may sleep."""

from __future__ import annotations

from datetime import timedelta

from factory import Clock, Plant


def wakeup(plant: Plant) -> object:
    return plant.value("select drip.next_wakeup()")


def test_without_devices_there_is_none(plant: Plant) -> None:
    assert wakeup(plant) is None


def test_a_new_device_is_looked_at_now(clock: Clock, plant: Plant) -> None:
    plant.device()
    assert wakeup(plant) == clock.now


def test_the_earliest_of_the_devices_counts(clock: Clock, plant: Plant) -> None:
    soon, later = plant.device(), plant.device()
    plant.message(soon, scheduled_at=clock.now + timedelta(seconds=3))
    plant.message(later, scheduled_at=clock.now + timedelta(seconds=7))
    plant.claim()
    assert wakeup(plant) == clock.now + timedelta(seconds=3)


def test_a_look_before_the_pace_allows_it_is_no_use(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=12, max_delay_seconds=12, burst=3)
    plant.message(device)
    plant.message(device)
    plant.claim()
    assert wakeup(plant) == clock.now + timedelta(seconds=12)


def test_who_sleeps_until_then_misses_nothing(clock: Clock, plant: Plant) -> None:
    """A worker that only follows it sends a whole journey at its times."""
    plant.device()
    enrollment = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 0.01}, {}))
    due = {row["id"]: row["scheduled_at"] for row in plant.journey(enrollment)}
    sent = {}
    end = clock.now + timedelta(minutes=2)
    while clock.now < end:
        for row in plant.claim():
            sent[row["message_id"]] = clock.now
            plant.answer(row)
        upcoming = plant.value("select drip.next_wakeup()")
        clock.set(max(upcoming, clock.now + timedelta(milliseconds=1)))
    first_two = dict(list(due.items())[:2])
    assert list(sent) == list(first_two)
    for message, at in sent.items():
        assert timedelta(0) <= at - first_two[message] <= timedelta(milliseconds=5)
