"""wake_devices(): moves the look of parked devices, never their pace."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Connect, Plant


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


def sealed(plant: Plant, *devices: int) -> str:
    """What the workers hear when something is planned for these devices."""
    with plant.rolled_back():
        text = plant.value("select drip._seal_devices(%s)", list(devices))
    assert isinstance(text, str)
    return text


def test_wakes_those_of_a_notification(clock: Clock, plant: Plant) -> None:
    devices = [plant.device() for _ in range(3)]
    plant.claim()
    told = [sealed(plant, devices[0]), sealed(plant, devices[1], 999)]
    assert plant.value("select drip.wake_devices(p_sealed => %s)", told) == 2
    assert looks(plant) == [clock.now, clock.now, clock.now + timedelta(seconds=15)]
    assert plant.value("select drip.wake_devices(p_sealed => %s)", [sealed(plant)]) == 1


@pytest.mark.parametrize(
    "text",
    [
        *["", "x", "1", "17,18", "9" * 20, "9" * 5000, "0123456789abcdef", "0123456789abcdef,"],
        *["0123456789abcdef,1", "0123456789abcdef,1,2", "0123456789abcdef,fffffffffffffffff"],
        "0123456789abcdef" + ",1" * 4000,
    ],
)
def test_what_a_stranger_says_wakes_nobody(plant: Plant, text: str) -> None:
    plant.device()
    plant.claim()
    assert plant.value("select drip.wake_devices(p_sealed => %s)", [text]) == 0
    assert plant.woken(text) is None


def test_a_notification_cannot_be_changed(plant: Plant) -> None:
    text = sealed(plant, 1, 2)
    assert plant.woken(text) == [1, 2]
    for place, sign in enumerate(text):
        other = "0" if sign != "0" else "1"
        if sign != ",":
            assert plant.woken(text[:place] + other + text[place + 1 :]) is None
    assert plant.woken(text.rpartition(",")[0]) is None


def test_who_listens_learns_no_device(plant: Plant) -> None:
    """Neither its number nor that two notifications mean the same one."""
    texts = [sealed(plant, 7) for _ in range(3)]
    assert len({part for text in texts for part in text.split(",")}) == 9
    with plant.rolled_back():
        twice = [plant.value("select drip._seal_devices('{7}')") for _ in range(2)]
    assert twice[0] == twice[1], "Postgres sends the same text of one transaction once"


def test_the_largest_notification_fits(plant: Plant, connect: Connect) -> None:
    listener = connect()
    listener.execute("listen drip_wake")
    for count, expected in ((400, list(range(2**62, 2**62 + 400))), (401, [])):
        devices = list(range(2**62, 2**62 + count))
        plant.value("select drip._notify_wake(%s)", devices)
        [heard] = listener.notifies(timeout=5, stop_after=1)
        assert plant.woken(heard.payload) == expected


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


def test_more_than_is_worth_opening_wakes_all(clock: Clock, plant: Plant) -> None:
    """What strangers say costs a bounded time, and hides no notification behind it."""
    device, _ = plant.device(), plant.device()
    plant.claim()
    noise = "f" * 16 + ",f" * 3900
    told = [*[noise] * 10, sealed(plant, device)]
    assert plant.value("select drip.wake_devices(p_sealed => %s)", told) == 2
    plant.claim()
    assert plant.value("select drip.wake_devices(p_sealed => %s)", [noise]) == 0
