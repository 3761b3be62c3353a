"""An opt-out in the middle of everything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

DAY = timedelta(days=1)
PHONE = "+60123456789"


@pytest.mark.lesson(48, story=True)
def test_it_ends_all_and_cancels_at_once(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(PHONE)
    enrollment = plant.enroll(plant.sequence({}, {}, {}), lead)
    single = plant.message(device, lead, scheduled_at=clock.now + 2 * DAY)
    plant.live(clock, clock.now + 0.5 * DAY)

    row = plant.row("select * from drip.opt_out(%s, 'asked')", PHONE)

    assert (row["outcome"], row["cancelled"]) == ("suppressed", 3)
    assert [row["status"] for row in plant.journey(enrollment)] == [
        "sent",
        "cancelled",
        "cancelled",
    ]
    assert plant.message_row(single)["status_reason"] == "suppressed"
    journey = plant.enrollment(enrollment)
    assert (journey["status"], journey["exit_reason"]) == ("exited", "opted_out")
    assert plant.live(clock, clock.now + 9 * DAY) == []


def test_later_plans_leave_them_out(clock: Clock, plant: Plant) -> None:
    """A campaign counts them as skipped, so that its numbers still sum up."""
    plant.device()
    plant.lead(PHONE)
    plant.lead("+60123456780")
    plant.row("select * from drip.opt_out(%s)", PHONE)
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Hi", "everyone": True}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    handed = plant.live(clock, clock.now + DAY)
    assert [phone for _, phone, _ in handed] == ["+60123456780"]
    row = plant.row("select * from drip.campaign_overview")
    assert (row["messages"], row["messages_sent"], row["messages_skipped"]) == (2, 1, 1)
    assert row["status"] == "completed"


def test_a_marketing_opt_out_lets_utility_through(clock: Clock, plant: Plant) -> None:
    plant.device()
    lead = plant.lead(PHONE)
    plant.enroll(plant.sequence({"content": "offer"}, {"content": "offer"}), lead)
    plant.enroll(
        plant.sequence({"content": "receipt"}, {"content": "receipt"}, category="utility"), lead
    )
    plant.row("select * from drip.opt_out(%s, null, 'marketing')", PHONE)
    handed = plant.live(clock, clock.now + 3 * DAY)
    assert [text for _, _, text in handed] == ["receipt", "receipt"]


def test_who_comes_back_starts_anew(clock: Clock, plant: Plant) -> None:
    """opt_in revives nothing; what is planned afterwards goes."""
    device = plant.device()
    lead = plant.lead(PHONE)
    plant.enroll(plant.sequence({}, {}), lead)
    plant.row("select * from drip.opt_out(%s)", PHONE)
    plant.row("select * from drip.opt_in(%s)", PHONE)
    assert plant.live(clock, clock.now + 3 * DAY) == []
    message = plant.message(device, lead)
    assert len(plant.live(clock, clock.now + timedelta(hours=1))) == 1
    assert plant.message_row(message)["status"] == "sent"
