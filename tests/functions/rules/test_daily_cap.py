"""daily_cap and ramp: real sends of the tenant's local calendar day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant


def send_what_goes(plant: Plant, outcome: str = "accepted") -> int:
    """Claim and answer until nothing goes; how many went."""
    count = 0
    while True:
        plant.wake()
        claimed = plant.claim()
        if not claimed:
            return count
        for row in claimed:
            count += 1
            plant.answer(row, outcome)


def queue(plant: Plant, device: int, count: int) -> None:
    for _ in range(count):
        plant.message(device)


@pytest.mark.lesson(23, story=True)
def test_the_cap_is_of_the_local_day(clock: Clock, plant: Plant) -> None:
    """A new day begins at midnight in Kuala Lumpur, not a day after the first send."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    clock.set("2026-03-02 23:00+08")
    queue(plant, plant.device(daily_cap=2), 6)
    assert send_what_goes(plant) == 2
    clock.set("2026-03-02 23:59:59+08")
    assert send_what_goes(plant) == 0
    clock.set("2026-03-03 00:00+08")
    assert send_what_goes(plant) == 2


def test_messages_in_flight_fill_the_cap(clock: Clock, plant: Plant) -> None:
    device = plant.device(daily_cap=3, burst=10)
    queue(plant, device, 6)
    count = 0
    for _ in range(10):
        plant.wake()
        count += len(plant.claim())
    assert count == 3


def test_behind_a_waiting_head_the_cap_holds_as_well(clock: Clock, plant: Plant) -> None:
    device = plant.device(daily_cap=3, burst=10)
    plant.message(device, plant.lead(paused_until=clock.now + timedelta(days=1)))
    queue(plant, device, 6)
    count = 0
    for _ in range(10):
        plant.wake()
        count += len(plant.claim())
    assert count == 3


@pytest.mark.lesson(23, story=True)
def test_only_real_sends_count(clock: Clock, plant: Plant) -> None:
    """Refused, put off and released ones do not."""
    device = plant.device(daily_cap=2)
    plant.tenant(breaker_sample=1000)
    queue(plant, device, 6)
    assert plant.answer(plant.claim()[0], "permanent")["status"] == "failed"
    plant.wake()
    assert plant.answer(plant.claim()[0], "retry")["status"] == "pending"
    plant.wake()
    [row] = plant.claim()
    plant.rows(
        "select * from drip.release_messages('w', jsonb_build_array(jsonb_build_object("
        "'message_id', %s::bigint, 'attempt', 1)))",
        row["message_id"],
    )
    assert send_what_goes(plant) == 2


def test_an_unknown_may_have_been_sent_and_counts_once(clock: Clock, plant: Plant) -> None:
    """Also when its answer comes late."""
    device = plant.device(daily_cap=2)
    queue(plant, device, 4)
    [row] = plant.claim()
    plant.answer(row, "unknown")
    plant.answer(row, "accepted")
    assert plant.value("select sent_today from drip.device_pacing") == 1
    assert send_what_goes(plant) == 1


def test_an_unknown_that_was_refused_after_all_is_given_back(clock: Clock, plant: Plant) -> None:
    device = plant.device(daily_cap=2)
    queue(plant, device, 4)
    [row] = plant.claim()
    plant.answer(row, "unknown")
    plant.answer(row, "permanent")
    assert plant.value("select sent_today from drip.device_pacing") == 0
    assert send_what_goes(plant) == 2


def test_what_is_given_back_of_yesterday_leaves_no_room_today(clock: Clock, plant: Plant) -> None:
    device = plant.device(daily_cap=2)
    queue(plant, device, 6)
    [row] = plant.claim()
    plant.answer(row, "unknown")
    clock.advance(days=1)
    assert send_what_goes(plant) == 2
    plant.answer(row, "permanent")
    assert send_what_goes(plant) == 0


def test_a_lapsed_lease_may_have_been_sent_and_counts(clock: Clock, plant: Plant) -> None:
    device = plant.device(daily_cap=2)
    queue(plant, device, 4)
    [row] = plant.claim()
    clock.advance(seconds=91)
    plant.rows("select * from drip.expire_leases()")
    assert plant.value("select sent_today from drip.device_pacing") == 1
    plant.answer(row, "accepted")
    assert plant.value("select sent_today from drip.device_pacing") == 1
    assert send_what_goes(plant) == 1


def test_the_ramp_grows_by_the_day_and_ends(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    device = plant.device(ramp=[1, 3], ramp_started_on="2026-03-03", daily_cap=4)
    queue(plant, device, 12)
    sent = []
    for _ in range(4):
        sent.append(send_what_goes(plant))
        clock.advance(days=1)
    # before its first day it is as on the first; after its last one the cap alone holds
    assert sent == [1, 1, 3, 4]


def test_the_overview_counts_the_same(clock: Clock, plant: Plant) -> None:
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    queue(plant, plant.device(daily_cap=2), 3)
    send_what_goes(plant)
    assert plant.value("select sent_today from drip.device_overview") == 2
    clock.advance(days=1)
    assert plant.value("select sent_today from drip.device_overview") == 0
