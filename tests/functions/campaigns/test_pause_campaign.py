"""pause_campaign(), resume_campaign() and cancel_campaign(), and the same by a plain UPDATE."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant, Row
from psycopg.types.json import Jsonb
from refusals import refusal

PAUSE = "select * from drip.pause_campaign(%s)"
RESUME = "select * from drip.resume_campaign(%s)"
CANCEL = "select * from drip.cancel_campaign(%s, %s)"


@pytest.fixture
def raya(clock: Clock, plant: Plant) -> int:
    """A campaign to three leads of one device, planned."""
    plant.device()
    for _ in range(3):
        plant.lead()
    row = plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "m", "everyone": True, "valid_for": "1 hour"}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row("select * from drip.expand_campaigns()")
    return int(row["campaign_id"])


def counts(plant: Plant) -> Row:
    rows = plant.rows(
        "select status, count(*)::int as n from drip.broadcast_messages group by 1 order by 1"
    )
    return {row["status"]: row["n"] for row in rows}


def test_a_pause_holds_and_a_resume_frees(clock: Clock, plant: Plant, raya: int) -> None:
    assert plant.row(PAUSE, "Raya")["pending"] == 3
    assert plant.row(PAUSE, "Raya")["outcome"] == "already_paused"
    clock.advance(hours=5)
    plant.wake()
    assert plant.claim() == []

    assert plant.row(RESUME, "Raya")["outcome"] == "resumed"

    assert plant.row(RESUME, "Raya")["outcome"] == "already_running"
    # The hour in which a message is valid does not count the pause.
    expiry = plant.row("select distinct expires_at from drip.broadcast_messages")["expires_at"]
    assert expiry == clock.now + timedelta(hours=1)
    plant.wake()
    assert len(plant.claim()) == 1


def test_a_plain_update_does_the_same(clock: Clock, plant: Plant, raya: int) -> None:
    plant.conn.execute("update drip.campaigns set status = 'paused'")
    plant.wake()
    assert plant.claim() == []
    plant.conn.execute("update drip.campaigns set status = 'triggered'")
    plant.wake()
    assert len(plant.claim()) == 1


def test_a_cancel_takes_what_is_pending(clock: Clock, plant: Plant, raya: int) -> None:
    [claimed] = plant.claim()

    row = plant.row(CANCEL, "Raya", "wrong text")

    assert (row["status"], row["changed"], row["outcome"]) == ("cancelled", 2, "cancelled")
    assert counts(plant) == {"cancelled": 2, "processing": 1}
    reasons = plant.rows(
        "select distinct status_reason from drip.broadcast_messages where status = 'cancelled'"
    )
    assert reasons == [{"status_reason": "campaign_cancelled"}]
    # What was on its way is still booked.
    plant.answer(claimed)
    assert counts(plant) == {"cancelled": 2, "sent": 1}
    again = plant.row(CANCEL, "Raya", None)
    assert (again["changed"], again["outcome"]) == (0, "already_cancelled")
    assert plant.value("select status_reason from drip.campaigns") == "wrong text"
    assert refusal(plant.conn, RESUME, "Raya")[0] == "DR005"
    assert refusal(plant.conn, "update drip.campaigns set status = 'pending'")[0] == "DR005"


def test_a_paused_one_is_cancelled_too(clock: Clock, plant: Plant, raya: int) -> None:
    plant.row(PAUSE, "Raya")
    assert plant.row(CANCEL, "Raya", None)["changed"] == 3
    assert counts(plant) == {"cancelled": 3}


def test_a_cancel_stops_the_expansion(clock: Clock, plant: Plant) -> None:
    for _ in range(4):
        plant.lead()
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "m", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row("select * from drip.expand_campaigns(2)")
    plant.row(CANCEL, "Raya", None)
    assert plant.rows("select * from drip.expand_campaigns(2)") == []
    assert counts(plant) == {"cancelled": 2}


def test_wrong_states_are_told(clock: Clock, plant: Plant) -> None:
    plant.campaign(title="draft", status="draft")
    plant.campaign(title="done", status="completed")
    for title in ("draft", "done"):
        assert refusal(plant.conn, PAUSE, title)[0] == "DR005"
        assert refusal(plant.conn, RESUME, title)[0] == "DR005"
    assert refusal(plant.conn, CANCEL, "done", None)[0] == "DR005"
    assert plant.row(CANCEL, "draft", None)["outcome"] == "cancelled"


@pytest.mark.lesson(38, story=True)
def test_completed_when_every_row_is_finished(clock: Clock, plant: Plant, raya: int) -> None:
    """LESSONS 38."""
    for left in (2, 1, 0):
        assert plant.value("select drip._complete_campaigns(10)") == 0
        plant.wake()
        [claimed] = plant.claim()
        assert plant.value("select drip._complete_campaigns(10)") == 0
        plant.answer(claimed, "unknown" if left == 0 else "accepted")
    assert counts(plant) == {"sent": 2, "unknown": 1}
    # An outcome that is held may still turn out either way.
    assert plant.value("select drip._complete_campaigns(10)") == 0
    clock.advance(hours=25)
    plant.tick()
    row = plant.row("select status, completed_at from drip.campaigns")
    assert row == {"status": "completed", "completed_at": clock.now}
