"""The circuit breaker: a device whose messages fail rests before anyone has to notice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Plant


def go(plant: Plant, clock: Clock, outcomes: str) -> int:
    """Claim and answer one message per letter: a accepted, f refused; how many went."""
    device = plant.value("select min(id) from drip.user_devices")
    for count, letter in enumerate(outcomes):
        plant.message(device)
        plant.wake()
        claimed = plant.claim(limit=1)
        if not claimed:
            return count
        plant.answer(claimed[0], {"a": "accepted", "f": "permanent"}[letter])
        clock.advance(seconds=1)
    return len(outcomes)


def pacing(plant: Plant) -> dict[str, Any]:
    return plant.row("select * from drip.device_pacing order by device_id limit 1")


def test_it_stays_closed_below_the_sample(clock: Clock, plant: Plant) -> None:
    plant.device()
    assert go(plant, clock, "f" * 19) == 19
    assert pacing(plant)["breaker_open_until"] is None


@pytest.mark.lesson(8)
def test_it_opens_at_the_sample(clock: Clock, plant: Plant) -> None:
    """20 results, half of them failed: the tenant's defaults. A 97 % failure is over at 20."""
    plant.device()
    assert go(plant, clock, "f" * 40) == 20
    assert pacing(plant)["breaker_open_until"] == clock.now + timedelta(minutes=15, seconds=-1)
    explained = plant.explain(plant.message(plant.value("select id from drip.user_devices")))
    assert explained["reason"] == "breaker_open"
    assert "it waits" in explained["sentence"]


@pytest.mark.parametrize(
    ("outcomes", "opens"), [("af" * 10, True), ("af" * 9 + "aa", False), ("aaf" * 10, False)]
)
def test_it_opens_at_the_rate(clock: Clock, plant: Plant, outcomes: str, opens: bool) -> None:
    plant.device()
    go(plant, clock, outcomes)
    assert (pacing(plant)["breaker_open_until"] is not None) is opens


def test_sample_and_rate_are_the_tenants(clock: Clock, plant: Plant) -> None:
    plant.tenant(breaker_sample=5, breaker_rate=1)
    plant.device()
    assert go(plant, clock, "ffffaffff") == 9
    assert pacing(plant)["breaker_open_until"] is None
    other = plant.device()
    plant.update("device_pacing", other, window_results=4, window_failures=4)
    plant.update("device_pacing", other, window_started_at=clock.now)
    plant.message(other)
    plant.wake()
    plant.answer(plant.claim()[-1], "permanent")
    assert plant.value(
        "select breaker_open_until from drip.device_pacing where device_id = %s", other
    ) == clock.now + timedelta(minutes=15)


def test_an_hour_later_the_sample_starts_anew(clock: Clock, plant: Plant) -> None:
    plant.device()
    go(plant, clock, "f" * 19)
    clock.advance(hours=1, seconds=1)
    go(plant, clock, "f")
    row = pacing(plant)
    assert (row["breaker_open_until"], row["window_results"]) == (None, 1)


def test_after_the_rest_a_few_decide(clock: Clock, plant: Plant) -> None:
    """Half-open: a fifth of the sample is the trial; failing it doubles the rest."""
    plant.device()
    go(plant, clock, "f" * 20)
    clock.set(pacing(plant)["breaker_open_until"])
    assert go(plant, clock, "f" * 20) == 4
    opened = clock.now - timedelta(seconds=1)
    assert pacing(plant)["breaker_open_until"] == opened + timedelta(minutes=30)


def test_it_heals(clock: Clock, plant: Plant) -> None:
    """A good sample after the trial forgets the openings."""
    plant.device()
    go(plant, clock, "f" * 20)
    clock.set(pacing(plant)["breaker_open_until"])
    assert go(plant, clock, "a" * 20) == 20
    assert pacing(plant)["breaker_level"] == 0
    assert go(plant, clock, "f" * 19) == 19


def test_a_trial_lasts_until_it_is_decided(clock: Clock, plant: Plant) -> None:
    """A device that sends once an hour never has a sample an hour, and heals all the same."""
    plant.device()
    go(plant, clock, "f" * 20)
    for _ in range(20):
        clock.advance(hours=2)
        assert go(plant, clock, "a") == 1
    assert pacing(plant)["breaker_level"] == 0


def test_a_slow_trial_fails_all_the_same(clock: Clock, plant: Plant) -> None:
    plant.device()
    go(plant, clock, "f" * 20)
    for _ in range(4):
        clock.advance(hours=2)
        assert go(plant, clock, "f") == 1
    assert pacing(plant)["breaker_open_until"] > clock.now


def test_an_error_of_the_device_that_ends_by_itself_opens_it(clock: Clock, plant: Plant) -> None:
    """One is enough, whatever the sample; then it is on trial. The message is not to blame."""
    plant.conn.execute(
        "update drip.error_codes set scope = 'device', action = 'stop', auto_resume = true,"
        " wait = interval '6 hours' where platform = 'gowa' and code = 'HTTP_429'"
    )
    device = plant.device()
    message = plant.message(device)
    plant.answer(plant.claim()[0], "retry", error_code="HTTP_429", scope="device")
    row = plant.message_row(message)
    assert (row["status"], row["failures"], row["not_before"]) == ("pending", 0, None)
    explained = plant.explain(message)
    assert explained["reason"] == "breaker_open"
    assert explained["earliest"] == clock.now + timedelta(hours=6)
    assert plant.value("select status from drip.device_overview") == "online"
    clock.set(explained["earliest"] - timedelta(seconds=1))
    plant.wake()
    assert plant.claim() == []
    clock.set(explained["earliest"])
    plant.wake()
    plant.answer(plant.claim()[0])
    assert go(plant, clock, "fff") == 3
    assert go(plant, clock, "f") == 0
    assert pacing(plant)["breaker_level"] == 2


def test_an_error_of_the_device_that_a_person_must_end_does_not(clock: Clock, plant: Plant) -> None:
    """Nothing half-opens where that is not safe: it needs attention, and stays so."""
    device = plant.device()
    message = plant.message(device)
    plant.answer(plant.claim()[0], "permanent", error_code="AUTHENTICATION_ERROR", scope="device")
    row = plant.message_row(message)
    assert (row["status"], row["failures"]) == ("pending", 0)
    assert pacing(plant)["breaker_open_until"] is None
    clock.advance(days=7)
    plant.wake()
    assert plant.claim() == []
    assert plant.explain(message)["reason"] == "device_attention"


def test_other_devices_go_on(clock: Clock, plant: Plant) -> None:
    plant.device()
    go(plant, clock, "f" * 20)
    other = plant.device()
    message = plant.message(other)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_its_messages_stay_as_they_are(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    go(plant, clock, "f" * 20)
    message = plant.message(device)
    before = plant.message_row(message)
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(message) == before


def test_the_overview_shows_it(clock: Clock, plant: Plant) -> None:
    plant.device()
    go(plant, clock, "f" * 20)
    row = plant.row("select * from drip.device_overview")
    assert row["breaker_open_until"] == row["may_send_at"] == pacing(plant)["breaker_open_until"]
    assert "it waits" in row["state"]
