"""opt_in(): an opt-out taken back."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connection, Plant
from refusals import refusal

PHONE = "+60123456789"


@pytest.mark.parametrize(
    ("suppressed", "category", "outcome", "left"),
    [
        (["all", "marketing"], None, "removed", set()),
        (["all", "marketing"], "marketing", "removed", {"all"}),
        # who takes back an opt-out of everything is stopped by nothing afterwards
        (["all", "marketing"], "all", "removed", set()),
        (["marketing"], "all", "removed", set()),
        ([], None, "not_suppressed", set()),
    ],
)
def test_it_removes_what_it_names(
    plant: Plant, suppressed: list[str], category: Any, outcome: str, left: set[str]
) -> None:
    lead = plant.lead(PHONE)
    for each in suppressed:
        plant.suppress(PHONE, each)
    assert plant.row("select * from drip.opt_in('+60 12-345 6789', %s)", category) == {
        "lead_id": lead,
        "phone": PHONE,
        "outcome": outcome,
    }
    assert {row["category"] for row in plant.rows("select * from drip.suppressions")} == left


def test_messages_go_again(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(PHONE)
    cancelled = plant.message(device, lead)
    plant.row("select * from drip.opt_out(%s)", PHONE)
    plant.row("select * from drip.opt_in(%s)", PHONE)
    later = plant.message(device, lead)
    assert [row["message_id"] for row in plant.claim()] == [later]
    assert plant.message_row(cancelled)["status"] == "cancelled"


def test_tokens_that_waited_are_looked_at_again(plant: Plant) -> None:
    lead = plant.lead(PHONE, trigger="cold")
    plant.suppress(PHONE)
    plant.update("leads", lead, enroll_check=False)
    plant.row("select * from drip.opt_in(%s)", PHONE)
    assert plant.value("select enroll_check from drip.leads") is True


@pytest.mark.parametrize(
    ("phone", "category", "code"), [("x", None, "DR002"), (PHONE, "x", "DR001")]
)
def test_rubbish_is_refused(conn: Connection, phone: str, category: Any, code: str) -> None:
    assert refusal(conn, "select * from drip.opt_in(%s, %s)", phone, category)[0] == code
