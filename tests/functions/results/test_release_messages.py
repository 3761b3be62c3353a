"""release_messages(): gives back what a worker never handed over."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb


def release(plant: Plant, *messages: dict[str, Any], worker: str = "w") -> list[str]:
    """The outcomes."""
    return [
        row["outcome"]
        for row in plant.rows(
            "select * from drip.release_messages(%s, %s)", worker, Jsonb(list(messages))
        )
    ]


def test_a_released_message_goes_again_at_once(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.claim()
    assert release(plant, {"message_id": message, "attempt": 1}) == ["released"]
    row = plant.message_row(message)
    assert (row["status"], row["failures"], row["worker_id"]) == ("pending", 0, None)
    assert row["lease_expires_at"] is None
    assert plant.value("select outcome from drip.message_attempts") == "released"
    [again] = plant.claim()
    assert (again["message_id"], again["attempt"]) == (message, 2)


def test_the_pace_still_runs_from_the_claim(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device(min_delay_seconds=10, max_delay_seconds=10))
    plant.claim()
    release(plant, {"message_id": message, "attempt": 1})
    assert plant.claim() == []
    clock.advance(seconds=10)
    assert len(plant.claim()) == 1


@pytest.mark.parametrize("comes_back", ["released", "retry", "lapsed"])
@pytest.mark.parametrize("ended", ["enrollment_finished", "campaign_cancelled"])
def test_of_what_has_ended_nothing_waits(
    clock: Clock, plant: Plant, ended: str, comes_back: str
) -> None:
    device = plant.device(unknown_policy="retry")
    lead = plant.lead("+60120000001")
    if ended == "campaign_cancelled":
        campaign = plant.campaign()
        plant.message(device, lead, campaign_id=campaign)
        [claimed] = plant.claim()
        plant.row("select * from drip.cancel_campaign(%s)", str(campaign))
    else:
        sequence = plant.sequence({"content": "One"}, start_delay="0 seconds")
        plant.enroll(sequence, lead)
        [claimed] = plant.claim()
        plant.row("select * from drip.exit_lead(%s, '+60120000001')", str(sequence))
    if comes_back == "released":
        release(plant, {"message_id": claimed["message_id"], "attempt": 1})
    elif comes_back == "retry":
        plant.answer(claimed, "retry", error_code="X")
    else:
        clock.advance(minutes=2)
        plant.tick()
    row = plant.message_row(claimed["message_id"])
    assert (row["status"], row["status_reason"]) == ("cancelled", ended)
    assert (row["not_before"], row["finished_at"]) == (None, clock.now)


@pytest.mark.parametrize(("worker", "attempt"), [("another", 1), ("w", 2), ("w", 0)])
def test_only_the_holder_may(clock: Clock, plant: Plant, worker: str, attempt: int) -> None:
    message = plant.message(plant.device())
    plant.claim()
    before = plant.message_row(message)
    assert release(plant, {"message_id": message, "attempt": attempt}, worker=worker) == [
        "not_held"
    ]
    assert plant.message_row(message) == before


def test_nothing_comes_back_from_unknown_or_sent(clock: Clock, plant: Plant) -> None:
    """The only way back is from processing."""
    device = plant.device(burst=5)
    unknown, sent = plant.message(device), plant.message(device)
    first, second = plant.claim()
    plant.answer(first, "unknown")
    plant.answer(second)
    assert (
        release(plant, *({"message_id": message, "attempt": 1} for message in (unknown, sent, 999)))
        == ["not_held"] * 3
    )
    assert plant.message_row(unknown)["status"] == "unknown"
    assert plant.message_row(sent)["status"] == "sent"


def test_not_after_the_lease_has_lapsed(clock: Clock, plant: Plant) -> None:
    message = plant.message(plant.device())
    plant.claim()
    clock.advance(seconds=91)
    plant.rows("select * from drip.expire_leases()")
    assert release(plant, {"message_id": message, "attempt": 1}) == ["not_held"]


def test_named_twice_is_released_once(clock: Clock, plant: Plant) -> None:
    message = {"message_id": plant.message(plant.device()), "attempt": 1}
    plant.claim()
    assert release(plant, message, message) == ["released"]


@pytest.mark.parametrize("messages", [None, {}, [1], [{}], [{"message_id": 1}]])
def test_refuses_what_it_cannot_read(conn: Connection, messages: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(
            "select * from drip.release_messages('w', %s)",
            [None if messages is None else Jsonb(messages)],
        )
    assert caught.value.sqlstate == "DR001"
