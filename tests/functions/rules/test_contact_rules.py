"""contact_gap and contact_cap: how much marketing one contact gets, over all devices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factory import Clock, Connect, Plant

GAP = {"contact_gap": timedelta(hours=6)}
CAP = {"contact_cap": 1, "contact_cap_period": timedelta(days=7)}


def news(plant: Plant, device: int, lead: int, **columns: Any) -> int:
    return plant.message(device, lead, category="marketing", **columns)


def test_the_gap_runs_from_the_last_send(clock: Clock, plant: Plant) -> None:
    plant.tenant(**GAP)
    device, lead = plant.device(), plant.lead()
    news(plant, device, lead)
    second = news(plant, device, lead)
    [first] = plant.claim()
    clock.advance(minutes=1)
    plant.answer(first)
    assert plant.claim() == []
    assert plant.message_row(second)["not_before"] == clock.now + timedelta(hours=6)


def test_a_message_in_flight_counts(clock: Clock, plant: Plant) -> None:
    plant.tenant(**GAP)
    lead = plant.lead()
    news(plant, plant.device(), lead)
    waiting = news(plant, plant.device(), lead)
    assert len(plant.claim()) == 1
    assert plant.claim() == []
    assert plant.message_row(waiting)["deferred_reason"] == "contact_gap"


def test_the_cap_counts_a_moving_period(clock: Clock, plant: Plant) -> None:
    plant.tenant(contact_cap=2, contact_cap_period=timedelta(days=1))
    device, lead = plant.device(), plant.lead()
    sent = []
    for _ in range(4):
        news(plant, device, lead)
    start = clock.now
    for _ in range(60):
        plant.wake()
        for row in plant.claim():
            sent.append((clock.now - start) / timedelta(hours=1))
            plant.answer(row)
        clock.advance(hours=1)
    assert sent == [0, 1, 24, 25]


@pytest.mark.parametrize("rule", [GAP, CAP], ids=["gap", "cap"])
def test_messages_behind_waiting_heads_keep_the_rule(
    clock: Clock, plant: Plant, rule: dict[str, Any]
) -> None:
    """Two looks of one claim: the second must know what the first took."""
    plant.tenant(**rule)
    lead = plant.lead()
    plain, blocked = plant.device(), plant.device()
    news(plant, plain, lead)
    plant.message(blocked, plant.lead(paused_until=clock.now + timedelta(days=1)))
    news(plant, blocked, lead)
    assert len(plant.claim()) == 1
    plant.wake()
    assert plant.claim() == []


@pytest.mark.parametrize("rule", [GAP, CAP], ids=["gap", "cap"])
def test_two_claims_at_once_keep_the_rule(
    clock: Clock, plant: Plant, connect: Connect, rule: dict[str, Any]
) -> None:
    """Neither sees what the other has taken; the loser looks again, and then it sees."""
    plant.tenant(**rule)
    lead = plant.lead()
    one, two = plant.device(), plant.device()
    news(plant, one, lead)
    news(plant, two, lead)
    first = clock.join(connect())
    second = clock.join(connect())
    first.autocommit = False
    plant.conn.execute(
        "update drip.device_pacing set next_look_at = drip.now() + interval '1 hour'"
        " where device_id = %s",
        [two],
    )
    assert len(plant.claim(session=first)) == 1
    plant.wake()  # passes over the row that the open claim holds
    assert plant.claim(session=second) == []
    first.commit()
    plant.wake()
    assert plant.claim(session=second) == []
    assert (
        plant.value("select count(*) from drip.broadcast_messages where status = 'processing'") == 1
    )


def test_utility_is_not_counted_and_not_held(clock: Clock, plant: Plant) -> None:
    plant.tenant(**CAP)
    device, lead = plant.device(), plant.lead()
    for _ in range(2):
        plant.message(device, lead)
    news(plant, device, lead)
    for _ in range(3):
        plant.wake()
        [row] = plant.claim()
        plant.answer(row)


def test_an_opt_out_that_comes_late_is_still_heard(clock: Clock, plant: Plant) -> None:
    plant.tenant(**GAP)
    device, lead = plant.device(), plant.lead("+60111111111")
    message = news(plant, device, lead)
    plant.suppress("+60111111111", "marketing")
    assert plant.claim() == []
    assert plant.message_row(message)["status_reason"] == "suppressed"
