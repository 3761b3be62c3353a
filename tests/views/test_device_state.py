"""device_overview.state: the verdict on the device, as everybody else hears it."""

from __future__ import annotations

import pytest
from factory import Clock, Plant
from functions.rules.test_verdict import OF_DEVICES, SITUATIONS


def state(plant: Plant, device: int) -> str:
    return str(plant.value("select state from drip.device_overview where device_id = %s", device))


@pytest.mark.parametrize(
    "name",
    [name for name in SITUATIONS if name.partition(":")[0] in OF_DEVICES | {"account_cap"}],
)
def test_it_says_what_stops_the_device(clock: Clock, plant: Plant, name: str) -> None:
    planted = SITUATIONS[name](plant, clock)
    device = plant.message_row(planted.message)["device_id"]
    explained = plant.explain(planted.message)["sentence"]
    # pausing between two messages is how a device sends
    paced = name.partition(":")[0] == "device_pacing"
    assert state(plant, device) == ("It is sending." if paced else explained)


def test_it_sends_or_has_nothing_to_send(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    assert state(plant, device) == "Nothing is due."
    plant.message(device)
    assert state(plant, device) == "It is sending."
