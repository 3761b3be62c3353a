"""resume_lead(): a pause ended before its time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"
HOUR = timedelta(hours=1)
RESUME = "select * from drip.resume_lead(%s)"


def test_what_was_held_goes(clock: Clock, plant: Plant, conn: Connection) -> None:
    device = plant.device()
    lead = plant.lead(PHONE, trigger="cold")
    message = plant.message(device, lead)
    plant.row("select * from drip.pause_lead(%s, p_reason => 'asked')", PHONE)
    plant.update("leads", lead, enroll_check=False)
    assert plant.claim() == []
    conn.execute("listen drip_wake")

    assert plant.row(RESUME, PHONE) == {
        "lead_id": lead,
        "phone": PHONE,
        "freed": 1,
        "outcome": "resumed",
        "moved": 0,
        "skipped": 0,
    }

    [heard] = conn.notifies(timeout=30, stop_after=1)
    assert plant.woken(heard.payload) == [device]
    row = plant.row("select paused_until, pause_reason, enroll_check from drip.leads")
    assert row == {"paused_until": None, "pause_reason": None, "enroll_check": True}
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_a_lead_that_is_not_paused(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(PHONE)
    plant.message(plant.device(), lead)
    assert plant.row(RESUME, PHONE) == {
        "lead_id": lead,
        "phone": PHONE,
        "freed": 0,
        "outcome": "not_paused",
        "moved": 0,
        "skipped": 0,
    }


def test_other_reasons_to_wait_stay(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(PHONE)
    message = plant.message(
        plant.device(), lead, not_before="infinity", deferred_reason="sequence_paused"
    )
    plant.row("select * from drip.pause_lead(%s)", PHONE)
    plant.row(RESUME, PHONE)
    assert plant.value(
        "select not_before = 'infinity' and deferred_reason = 'sequence_paused'"
        " from drip.broadcast_messages where id = %s",
        message,
    )


def test_an_unknown_lead_is_refused(conn: Connection) -> None:
    assert refusal(conn, RESUME, PHONE)[0] == "DR012"


@pytest.mark.parametrize(
    ("policy", "journey", "campaign"),
    [
        (None, ["pending", "pending"], "pending"),
        ("shift", ["pending", "pending"], "pending"),
        ("catch_up", ["pending", "pending"], "pending"),
        ("skip", ["skipped", "pending"], "skipped"),
    ],
)
def test_each_policy(
    clock: Clock, plant: Plant, policy: str | None, journey: list[str], campaign: str
) -> None:
    """A campaign's message has its own time: only skip drops it."""
    device = plant.device()
    lead = plant.lead(PHONE)
    enrollment = plant.enroll(plant.sequence({}, {}, start_delay="1 hour"), lead)
    message = plant.message(
        device, lead, campaign_id=plant.campaign(), priority=3, scheduled_at=clock.now + HOUR
    )
    planned = [row["scheduled_at"] for row in plant.journey(enrollment)]
    plant.row("select * from drip.pause_lead(%s)", PHONE)
    clock.advance(hours=5)
    resumed = plant.row("select * from drip.resume_lead(%s, %s)", PHONE, policy)
    is_shift = policy in (None, "shift")
    skipped = 2 if policy == "skip" else 0
    assert resumed == {
        "lead_id": lead,
        "phone": PHONE,
        "freed": 3 - skipped,
        "outcome": "resumed",
        "moved": 2 if is_shift else 0,
        "skipped": skipped,
    }
    rows = plant.journey(enrollment)
    assert [row["status"] for row in rows] == journey
    assert [row["scheduled_at"] for row in rows] == [at + is_shift * 5 * HOUR for at in planned]
    row = plant.message_row(message)
    assert (row["status"], row["scheduled_at"]) == (campaign, planned[0])
