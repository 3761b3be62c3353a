"""find_lead(): a lead by its phone."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Plant

FIND = "select * from drip.find_lead(%s)"


def test_a_lead_as_it_is(plant: Plant) -> None:
    plant.tenant(default_region="MY")
    device = plant.device()
    lead = plant.lead("+60123456789", name="Aminah", niche="gym", trigger="cold", device_id=device)
    found = plant.row(FIND, "012-345 6789")
    assert (found["lead_id"], found["user_id"]) == (lead, plant.user)
    assert (found["phone"], found["name"]) == ("+60123456789", "Aminah")
    assert (found["niche"], found["trigger"], found["device_id"]) == ("gym", "cold", device)
    assert (found["is_suppressed"], found["suppressed"]) == (False, None)


@pytest.mark.parametrize(
    ("categories", "says"), [(["marketing"], "marketing"), (["marketing", "all"], "all")]
)
def test_it_says_what_is_suppressed(plant: Plant, categories: list[str], says: str) -> None:
    plant.lead("+60123456789")
    for category in categories:
        plant.suppress("+60123456789", category)
    found = plant.row(FIND, "+60123456789")
    assert (found["is_suppressed"], found["suppressed"]) == (True, says)


@pytest.mark.parametrize("phone", ["+60199999999", "nonsense", "", None])
def test_what_is_not_there_is_not_there(plant: Plant, phone: Any) -> None:
    plant.lead("+60123456789")
    assert plant.rows(FIND, phone) == []


def test_each_tenant_reads_by_its_own_region(plant: Plant) -> None:
    plant.tenant(default_region="MY")
    other = plant.other_tenant()
    plant.update("users", other, default_region="SG")
    ours = plant.lead("+6591234567")
    theirs = plant.lead("+6591234567", user=other)
    assert [r["lead_id"] for r in plant.rows(FIND, "+65 9123 4567")] == [ours, theirs]
    assert [r["lead_id"] for r in plant.rows(FIND, "9123 4567")] == [theirs]


def test_a_reader_sees_its_own_tenant_and_a_masked_phone(plant: Plant, connect: Any) -> None:
    other = plant.other_tenant()
    plant.assign("drip_reader", other)
    plant.lead("+60123456789")
    theirs = plant.lead("+60123456789", user=other)
    reader = connect(role="drip_reader")
    [found] = reader.execute(FIND, ["+60123456789"]).fetchall()
    assert found["lead_id"] == theirs
    assert found["phone"] == "+601*****789"


def test_a_reader_of_nobody_sees_nothing(plant: Plant, connect: Any) -> None:
    plant.lead("+60123456789")
    assert connect(role="drip_reader").execute(FIND, ["+60123456789"]).fetchall() == []


def test_a_reason_with_a_phone_in_it_is_masked_as_in_the_view(plant: Plant, connect: Any) -> None:
    plant.lead(
        "+60123456789",
        paused_until="infinity",
        pause_reason="asked from 60123456789 and 0198765432",
    )
    plant.assign("drip_reader")
    reader = connect(role="drip_reader")
    found = reader.execute(FIND, ["+60123456789"]).fetchone()["pause_reason"]
    shown = reader.execute("select pause_reason from drip.leads_overview").fetchone()
    assert found == shown["pause_reason"]
    assert ("0123456789" in found, "98765" in found) == (False, False)
    reader.execute("set role none")
    assert "0198765432" in reader.execute(FIND, ["+60123456789"]).fetchone()["pause_reason"]
