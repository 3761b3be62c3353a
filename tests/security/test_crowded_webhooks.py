"""A gateway that reports more in one webhook than its platform would keeps nobody else waiting."""

from __future__ import annotations

import pytest
from factory import Clock, Plant
from inbound import PHONE, ack, change, cloud_device, dead_letters, meta, process, said

MOST = 5_000


@pytest.mark.parametrize("platform", ["gowa", "cloud_api"])
def test_a_webhook_with_too_many_receipts_is_laid_aside_and_the_others_are_processed(
    clock: Clock, plant: Plant, platform: str
) -> None:
    def crowded(number: int) -> tuple[int, str]:
        ids = [f"id{place}" for place in range(number)]
        if platform == "gowa":
            return ack(device, *ids)
        return meta(device, change(statuses=[{"id": one, "status": "read"} for one in ids]))

    other = plant.device()
    device = plant.device() if platform == "gowa" else cloud_device(plant)
    plant.lead(PHONE)
    row = process(plant, said(other, "hello"), crowded(MOST + 1))
    assert (row["applied"], row["parked"], row["dead"], row["remaining"]) == (1, 0, 1, 0)
    [letter] = dead_letters(plant)
    assert letter["error"] == f"it reports more than {MOST} things"
    row = process(plant, crowded(MOST))
    assert (row["parked"], row["dead"]) == (MOST, 0)
