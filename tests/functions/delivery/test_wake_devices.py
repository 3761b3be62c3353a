"""wake_devices(): moves the look of parked devices, never their pace."""

from __future__ import annotations

from datetime import timedelta

from factory import Clock, Plant


def looks(plant: Plant) -> list[object]:
    return [
        row["at"]
        for row in plant.rows(
            "select next_look_at as at from drip.device_pacing order by device_id"
        )
    ]


def test_wakes_those_named(clock: Clock, plant: Plant) -> None:
    devices = [plant.device() for _ in range(3)]
    plant.claim()
    parked = clock.now + timedelta(seconds=15)
    assert looks(plant) == [parked] * 3
    assert plant.value("select drip.wake_devices(%s)", devices[:2]) == 2
    assert looks(plant) == [clock.now, clock.now, parked]


def test_an_empty_list_means_all(clock: Clock, plant: Plant) -> None:
    for _ in range(3):
        plant.device()
    plant.claim()
    assert plant.value("select drip.wake_devices('{}')") == 3
    plant.claim()
    assert plant.value("select drip.wake_devices(null)") == 3


def test_says_how_many_were_parked(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    assert plant.value("select drip.wake_devices(%s)", [device, 999]) == 0


def test_a_wake_does_not_break_the_pace(clock: Clock, plant: Plant) -> None:
    device = plant.device(min_delay_seconds=10, max_delay_seconds=10, burst=5)
    plant.message(device)
    plant.message(device)
    plant.claim()
    for _ in range(9):
        clock.advance(seconds=1)
        plant.update("device_pacing", device, next_look_at=clock.now + timedelta(seconds=15))
        assert plant.value("select drip.wake_devices('{}')") == 1
        assert plant.claim() == []
    clock.advance(seconds=1)
    plant.wake()
    assert len(plant.claim()) == 1
