"""change_phone(): the same person with a new number."""

from __future__ import annotations

import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

OLD, NEW = "+60123456789", "+60199999999"
CHANGE = "select * from drip.change_phone(%s, %s)"


def test_what_is_pending_goes_to_the_new_number(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(OLD)
    sent = plant.message(device, lead)
    plant.answer(plant.claim()[0])
    journey = plant.enroll(plant.sequence({}, {"trigger_delay_hours": 1}), lead)

    assert plant.row(CHANGE, OLD, "+60 19-999 9999") == {
        "lead_id": lead,
        "phone": NEW,
        "moved": 2,
        "outcome": "changed",
    }

    assert plant.value("select phone from drip.leads") == NEW
    assert {row["recipient_phone"] for row in plant.journey(journey)} == {NEW}
    assert plant.enrollment(journey)["contact_phone"] == NEW
    assert plant.message_row(sent)["recipient_phone"] == OLD
    plant.wake()
    assert plant.claim()[0]["recipient_phone"] == NEW


def test_an_opt_out_is_the_persons(clock: Clock, plant: Plant) -> None:
    lead = plant.lead(OLD)
    plant.suppress(OLD, "marketing")
    plant.row(CHANGE, OLD, NEW)
    assert plant.rows("select phone, category from drip.suppressions order by phone") == [
        {"phone": OLD, "category": "marketing"},
        {"phone": NEW, "category": "marketing"},
    ]
    plant.message(plant.device(), lead, category="marketing")
    assert plant.claim() == []


def test_the_same_phone_in_another_writing_changes_nothing(plant: Plant) -> None:
    plant.lead(OLD)
    assert plant.row(CHANGE, OLD, "+60 12-345 6789")["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (OLD, "+60188888888", "DR013"),
        (OLD, "x", "DR002"),
        ("x", NEW, "DR002"),
        (NEW, OLD, "DR012"),
    ],
)
def test_what_cannot_be_is_refused(
    conn: Connection, plant: Plant, old: str, new: str, code: str
) -> None:
    plant.lead(OLD)
    plant.lead("+60188888888")
    assert refusal(conn, CHANGE, old, new)[0] == code
    assert plant.value("select count(*) from drip.leads where phone = %s", OLD) == 1


def test_what_comes_back_afterwards_goes_to_the_new_number(clock: Clock, plant: Plant) -> None:
    """A message that was on its way meanwhile and failed for now."""
    plant.message(plant.device(), plant.lead(OLD), source=Jsonb({"content": "for {phone}"}))
    [claimed] = plant.claim()
    plant.row(CHANGE, OLD, NEW)
    assert plant.message_row(claimed["message_id"])["recipient_phone"] == OLD
    plant.answer(claimed, "retry", error_code="X")

    clock.advance(hours=1)
    plant.wake()
    [again] = plant.claim()

    assert (again["recipient_phone"], again["content"]) == (NEW, f"for {NEW}")
    assert plant.message_row(again["message_id"])["recipient_phone"] == NEW


def test_an_opt_out_of_the_new_number_holds_what_comes_back(clock: Clock, plant: Plant) -> None:
    plant.message(plant.device(), plant.lead(OLD))
    [claimed] = plant.claim()
    plant.row(CHANGE, OLD, NEW)
    plant.answer(claimed, "retry", error_code="X")
    plant.suppress(NEW)
    clock.advance(hours=1)
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(claimed["message_id"])["status_reason"] == "suppressed"
