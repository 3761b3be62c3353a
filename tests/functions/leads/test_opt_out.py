"""opt_out(): what a person has asked for holds from the commit on."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"
OPT_OUT = "select * from drip.opt_out(%s, p_category => %s)"


@pytest.fixture
def lead(clock: Clock, plant: Plant) -> int:
    plant.device()
    return plant.lead(PHONE, name="Aminah")


def test_what_is_pending_is_cancelled_and_journeys_end(plant: Plant, lead: int) -> None:
    """LESSONS 48."""
    device = plant.device()
    journey = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 24}), lead)
    single = plant.message(device, lead)
    campaign = plant.message(device, lead, campaign_id=plant.campaign(), category="marketing")
    someone = plant.message(device)

    done = plant.row(OPT_OUT, "+60 12-345 6789", "all")

    assert done == {"lead_id": lead, "phone": PHONE, "outcome": "suppressed", "cancelled": 4}
    for message in plant.rows("select * from drip.broadcast_messages where lead_id = %s", lead):
        assert (message["status"], message["status_reason"]) == ("cancelled", "suppressed")
        assert message["finished_at"] == plant.now()
    assert {single, campaign} < {
        row["id"] for row in plant.rows("select id from drip.broadcast_messages")
    }
    enrollment = plant.enrollment(journey)
    assert (enrollment["status"], enrollment["exit_reason"]) == ("exited", "opted_out")
    assert [row["message_id"] for row in plant.claim()] == [someone]


def test_marketing_stops_marketing_only(plant: Plant, lead: int) -> None:
    device = plant.device()
    promo = plant.enroll(plant.sequence(category="marketing"), lead)
    orders = plant.enroll(plant.sequence(category="utility"), lead)
    receipt = plant.message(device, lead)

    assert plant.row(OPT_OUT, PHONE, "marketing")["cancelled"] == 1

    assert plant.enrollment(promo)["status"] == "exited"
    assert plant.enrollment(orders)["status"] == "pending"
    assert plant.message_row(receipt)["status"] == "pending"
    assert plant.row(OPT_OUT, PHONE, "all")["cancelled"] == 2


def test_what_is_planned_later_is_dropped_by_the_claim(plant: Plant, lead: int) -> None:
    plant.row(OPT_OUT, PHONE, "all")
    message = plant.message(plant.device(), lead)
    assert plant.claim() == []
    assert plant.message_row(message)["status_reason"] == "suppressed"


def test_what_was_sent_stays_sent(plant: Plant, lead: int) -> None:
    message = plant.message(plant.device(), lead)
    [claimed] = plant.claim()
    assert plant.row(OPT_OUT, PHONE, "all")["cancelled"] == 0
    assert plant.answer(claimed)["status"] == "sent"
    assert plant.message_row(message)["status"] == "sent"


def test_a_repeat_says_so_and_keeps_the_first_reason(plant: Plant, lead: int) -> None:
    query = "select outcome from drip.opt_out(%s, %s, p_source => %s)"
    assert plant.value(query, PHONE, "asked by phone", "operator") == "suppressed"
    assert plant.value(query, PHONE, "again", None) == "already_suppressed"
    row = plant.row("select * from drip.suppressions")
    assert (row["reason"], row["source"], row["category"]) == ("asked by phone", "operator", "all")


def test_an_unknown_phone_is_stopped_as_well(plant: Plant) -> None:
    done = plant.row(OPT_OUT, "+60199999999", "all")
    assert done == {
        "lead_id": None,
        "phone": "+60199999999",
        "outcome": "suppressed",
        "cancelled": 0,
    }
    assert plant.value("select count(*) from drip.leads") == 0


@pytest.mark.parametrize(
    ("phone", "category", "code"),
    [
        ("x", "all", "DR002"),
        (None, "all", "DR002"),
        (PHONE, "spam", "DR001"),
        (PHONE, None, "DR001"),
    ],
)
def test_rubbish_is_refused(conn: Connection, phone: Any, category: Any, code: str) -> None:
    assert refusal(conn, OPT_OUT, phone, category)[0] == code


def test_another_tenants_lead_is_not_touched(plant: Plant, lead: int, connect: Any) -> None:
    message = plant.message(plant.device(), lead)
    other = plant.other_tenant()
    plant.assign("drip_app", other)
    app = connect(role="drip_app")
    assert app.execute(OPT_OUT, [PHONE, "all"]).fetchone()["lead_id"] is None
    assert plant.message_row(message)["status"] == "pending"
    assert plant.value("select user_id from drip.suppressions") == other
