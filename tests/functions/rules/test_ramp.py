"""The warm-up ramp: its day begins anew after a rest of 72 hours and stands still in trouble."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant
from psycopg.types.json import Jsonb


def send(plant: Plant, clock: Clock, count: int, device: int | None = None) -> int:
    """Have that many due and hand over what goes; what does not is cancelled. How many went."""
    device = device or plant.value("select min(id) from drip.user_devices")
    for _ in range(count):
        plant.message(device)
    sent = 0
    while True:
        plant.wake()
        claimed = plant.claim()
        if not claimed:
            break
        for row in claimed:
            plant.answer(row)
            sent += 1
    plant.conn.execute(
        "update drip.broadcast_messages set status = 'cancelled', status_reason = 'test',"
        " finished_at = drip.now(), not_before = null, deferred_reason = null"
        " where status = 'pending'"
    )
    return sent


def fail(plant: Plant, clock: Clock, count: int) -> None:
    """That many refused ones, a second apart."""
    device = plant.value("select min(id) from drip.user_devices")
    for _ in range(count):
        plant.message(device)
        plant.wake()
        plant.answer(plant.claim(limit=1)[0], "permanent")
        clock.advance(seconds=1)


def overview(plant: Plant) -> tuple[Any, Any]:
    row = plant.row("select ramp_day, ramp_cap from drip.device_overview")
    return row["ramp_day"], row["ramp_cap"]


@pytest.fixture
def device(clock: Clock, plant: Plant) -> int:
    """A device on its first day, Monday the 2nd of March, in Kuala Lumpur."""
    plant.tenant(time_zone="Asia/Kuala_Lumpur")
    return plant.device(ramp=[2, 4, 6, 8], ramp_started_on="2026-03-02")


def test_after_72_hours_without_a_send_it_begins_anew(
    clock: Clock, plant: Plant, device: int
) -> None:
    assert send(plant, clock, 9) == 2
    clock.advance(days=1)
    assert send(plant, clock, 9) == 4
    clock.advance(hours=71, minutes=59, seconds=59)
    assert overview(plant) == (None, None)
    clock.advance(seconds=1)
    assert overview(plant) == (1, 2)
    assert send(plant, clock, 9) == 2
    clock.advance(days=1)
    assert (overview(plant), send(plant, clock, 9)) == ((2, 4), 4)
    clock.advance(days=1)
    assert send(plant, clock, 9) == 6


def test_a_second_before_that_it_goes_on(clock: Clock, plant: Plant, device: int) -> None:
    send(plant, clock, 1)
    clock.advance(hours=71, minutes=59, seconds=59)
    # the fourth day: Thursday
    assert (overview(plant), send(plant, clock, 9)) == ((4, 8), 8)


def test_a_device_that_never_sent_stays_on_its_first_day(
    clock: Clock, plant: Plant, device: int
) -> None:
    clock.set("2026-03-04 23:59:59+08")
    assert overview(plant) == (3, 6)
    clock.set("2026-03-05 00:00+08")
    assert (overview(plant), send(plant, clock, 9)) == ((1, 2), 2)
    clock.set("2026-03-06 00:00+08")
    assert overview(plant) == (2, 4)


def test_what_explain_names_is_what_holds(clock: Clock, plant: Plant, device: int) -> None:
    send(plant, clock, 2)
    message = plant.message(device)
    plant.wake()
    assert plant.claim() == []
    explained = plant.explain(message)
    assert explained["reason"] == "ramp"
    assert explained["earliest"] == clock.read("2026-03-03 00:00+08")
    clock.set(explained["earliest"] - timedelta(seconds=1))
    plant.wake()
    assert plant.claim() == []
    clock.set(explained["earliest"])
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_past_its_end_nothing_of_it_holds(clock: Clock, plant: Plant, device: int) -> None:
    for _ in range(4):
        send(plant, clock, 1)
        clock.advance(days=1)
    assert overview(plant) == (None, None)
    assert send(plant, clock, 30) == 30


def test_a_refused_message_is_no_send(clock: Clock, plant: Plant, device: int) -> None:
    send(plant, clock, 1)
    clock.advance(hours=71)
    fail(plant, clock, 1)
    clock.advance(hours=1)
    assert overview(plant) == (1, 2)


def test_the_zone_is_the_tenants(clock: Clock, plant: Plant) -> None:
    """23:30 in New York is the next day in UTC; the ramp's day is New York's."""
    plant.tenant(time_zone="America/New_York")
    clock.set("2026-03-02 23:30-05")
    plant.device(ramp=[1, 3], ramp_started_on="2026-03-02")
    assert send(plant, clock, 5) == 1
    clock.set("2026-03-03 00:00-05")
    assert send(plant, clock, 5) == 3


def test_a_day_of_23_hours_is_a_day(clock: Clock, plant: Plant) -> None:
    """The clocks of New York go forward on 2026-03-08 at 2; 72 hours are hours all the same."""
    plant.tenant(time_zone="America/New_York")
    clock.set("2026-03-07 12:00-05")
    plant.device(ramp=[1, 2, 3, 4, 5], ramp_started_on="2026-03-07")
    assert send(plant, clock, 9) == 1
    clock.set("2026-03-08 00:00-05")
    assert send(plant, clock, 9) == 2
    clock.set("2026-03-09 00:00-04")
    assert send(plant, clock, 9) == 3
    clock.set("2026-03-11 23:59:59-04")
    assert overview(plant) == (5, 5)
    clock.set("2026-03-12 00:00-04")
    assert overview(plant) == (1, 1)


def test_a_late_answer_counts_for_the_time_of_its_claim(
    clock: Clock, plant: Plant, device: int
) -> None:
    """The verdict let it go before the 72 hours were over; its answer comes after them."""
    send(plant, clock, 1)
    clock.advance(hours=71, minutes=59, seconds=58)
    plant.message(device)
    plant.wake()
    [row] = plant.claim()
    clock.advance(seconds=5)
    plant.answer(row)
    assert overview(plant) == (4, 8)


def test_an_answer_to_an_old_attempt_begins_nothing(
    clock: Clock, plant: Plant, device: int
) -> None:
    [row] = [plant.message(device) for _ in range(1)]
    plant.wake()
    [claimed] = plant.claim()
    plant.answer(claimed, "unknown")
    clock.advance(days=4)
    assert send(plant, clock, 9) == 2
    ramp_from = plant.value("select ramp_from from drip.device_pacing")
    plant.answer(claimed, "accepted")
    assert plant.message_row(row)["status"] == "sent"
    assert plant.value("select ramp_from from drip.device_pacing") == ramp_from == date(2026, 3, 6)


def test_another_session_sees_the_same_day(
    clock: Clock, plant: Plant, connect: Connect, device: int
) -> None:
    """Nothing of it is in a worker's memory."""
    clock.advance(days=4)
    send(plant, clock, 1)
    clock.advance(days=1)
    session = clock.join(connect())
    for _ in range(6):
        plant.message(device)
    count = 0
    while True:
        plant.wake()
        claimed = plant.claim(worker="another", session=session)
        if not claimed:
            break
        for row in claimed:
            plant.answer(row)
        count += len(claimed)
    assert count == 4


# -- in trouble -------------------------------------------------------------------------------


def test_it_stands_still_while_the_breaker_is_not_closed(
    clock: Clock, plant: Plant, device: int
) -> None:
    plant.tenant(breaker_sample=5)
    send(plant, clock, 2)
    clock.advance(days=1)
    fail(plant, clock, 5)
    assert overview(plant) == (2, 4)
    # the trial: three good ones are too few to heal, and the day does not grow
    for _ in range(3):
        clock.advance(days=1)
        assert send(plant, clock, 1) == 1
        assert overview(plant) == (2, 4)
    # the fifth heals: what is left of this day is still the second, tomorrow is the third
    assert send(plant, clock, 2) == 2
    assert plant.value("select breaker_level from drip.device_pacing") == 0
    assert overview(plant) == (2, 4)
    clock.advance(days=1)
    assert (overview(plant), send(plant, clock, 9)) == ((3, 6), 6)


def test_a_trip_and_a_heal_on_one_day_cost_no_day(clock: Clock, plant: Plant, device: int) -> None:
    plant.tenant(breaker_sample=5)
    plant.update("user_devices", device, ramp=[20, 40, 60])
    fail(plant, clock, 5)
    clock.advance(minutes=15)
    assert send(plant, clock, 5) == 5
    clock.advance(days=1)
    assert overview(plant) == (2, 40)


def test_a_rest_goes_before_the_breaker(clock: Clock, plant: Plant, device: int) -> None:
    plant.tenant(breaker_sample=5)
    send(plant, clock, 1)
    clock.advance(days=2)
    fail(plant, clock, 5)
    clock.advance(days=2)
    assert (overview(plant), send(plant, clock, 9)) == ((1, 2), 2)
    clock.advance(days=1)
    assert overview(plant) == (1, 2)


# -- what a person sets -----------------------------------------------------------------------


def test_a_new_first_day_counts_at_once(clock: Clock, plant: Plant, device: int) -> None:
    """Also an earlier one than the rest had made, by the verb and by a plain update."""
    clock.advance(days=4)
    send(plant, clock, 1)
    assert overview(plant) == (1, 2)
    plant.row(
        "select * from drip.upsert_device((select name from drip.user_devices), p_settings => %s)",
        Jsonb({"ramp_started_on": "2026-03-05"}),
    )
    assert overview(plant) == (2, 4)
    plant.update("user_devices", device, ramp_started_on="2026-03-04")
    assert overview(plant) == (3, 6)
    send(plant, clock, 1)
    clock.advance(days=1)
    assert overview(plant) == (4, 8)
    plant.update("user_devices", device, ramp_started_on="2026-03-08")
    assert overview(plant) == (1, 2)


def test_a_new_ramp_counts_at_once(clock: Clock, plant: Plant, device: int) -> None:
    send(plant, clock, 1)
    clock.advance(days=1)
    plant.update("user_devices", device, ramp=[1, 3])
    assert (overview(plant), send(plant, clock, 9)) == ((2, 3), 3)
    plant.update("user_devices", device, ramp=None)
    assert (overview(plant), send(plant, clock, 30)) == ((None, None), 30)


def test_a_ramp_set_later_goes_by_its_own_days(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    send(plant, clock, 3)
    clock.advance(days=5)
    plant.update("user_devices", device, ramp_started_on="2026-03-06", ramp=[1, 2, 3])
    # nothing was sent for 72 hours, but its first day is not that long ago
    assert overview(plant) == (2, 2)
