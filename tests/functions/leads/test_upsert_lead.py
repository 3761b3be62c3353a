"""upsert_lead(): one lead by its phone."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

LEAD = "select * from drip.leads"


@pytest.fixture(autouse=True)
def malaysia(plant: Plant) -> None:
    plant.tenant(default_region="MY")


def upsert(plant: Plant, phone: str | None = "012-345 6789", **fields: Any) -> dict[str, Any]:
    names = "".join(f", p_{name} => %s" for name in fields)
    return plant.row(f"select * from drip.upsert_lead(%s{names})", phone, *fields.values())


def test_a_new_lead_has_what_it_was_given(clock: Clock, plant: Plant) -> None:
    device = plant.device("front")
    made = upsert(
        plant,
        name=" Aminah ",
        niche=" gym ,, Spa,GYM",
        target_status="Customer",
        trigger="cold",
        device="front",
        time_zone="Asia/Tokyo",
        language="ms",
        external_id="crm-1",
        attributes=Jsonb({"city": "Ipoh"}),
    )
    lead = plant.row(LEAD)
    assert made == {"lead_id": lead["id"], "phone": "+60123456789", "outcome": "created"}
    assert lead["user_id"] == plant.user
    assert (lead["name"], lead["niche"], lead["trigger"]) == ("Aminah", "gym,Spa", "cold")
    assert (lead["target_status"], lead["device_id"]) == ("customer", device)
    assert (lead["time_zone"], lead["language"]) == ("Asia/Tokyo", "ms")
    assert (lead["external_id"], lead["attributes"]) == ("crm-1", {"city": "Ipoh"})
    assert lead["created_at"] == lead["updated_at"] == clock.now


def test_a_bare_phone_is_a_prospect(plant: Plant) -> None:
    assert upsert(plant)["outcome"] == "created"
    lead = plant.row(LEAD)
    assert (lead["target_status"], lead["attributes"]) == ("prospect", {})
    assert lead["name"] is None


@pytest.mark.lesson(37, "leads")
def test_a_patch_changes_only_what_it_names(clock: Clock, plant: Plant) -> None:
    """LESSONS 37."""
    upsert(plant, name="Aminah", niche="gym", external_id="1", attributes=Jsonb({"city": "Ipoh"}))
    before = plant.row(LEAD)
    clock.advance(hours=1)
    assert upsert(plant, "+60123456789", language="en")["outcome"] == "updated"
    assert plant.row(LEAD) == before | {"language": "en", "updated_at": clock.now}


def test_a_repeat_writes_nothing(clock: Clock, plant: Plant) -> None:
    fields: dict[str, Any] = {
        "name": "Aminah",
        "trigger": "cold, hot",
        "niche": "a, b",
        "attributes": Jsonb({"a": 1}),
    }
    upsert(plant, **fields)
    version = plant.value("select xmin::text from drip.leads")
    clock.advance(hours=1)
    assert upsert(plant, **fields)["outcome"] == "unchanged"
    assert upsert(plant)["outcome"] == "unchanged"
    assert plant.value("select xmin::text from drip.leads") == version


def test_an_empty_text_clears_a_field(plant: Plant) -> None:
    plant.device("front")
    upsert(
        plant,
        name="A",
        niche="x",
        trigger="t",
        device="front",
        time_zone="UTC",
        language="en",
        external_id="1",
        target_status="customer",
    )
    upsert(
        plant,
        name="",
        niche=" ",
        trigger="",
        device="",
        time_zone="",
        language="",
        external_id="",
        target_status="",
    )
    lead = plant.row(LEAD)
    for column in ("name", "niche", "trigger", "device_id", "time_zone", "language", "external_id"):
        assert lead[column] is None, column
    assert lead["target_status"] == "customer"


def test_a_second_trigger_joins_the_first(plant: Plant) -> None:
    """LESSONS 27: what one sequence has not consumed yet is not lost to another."""
    upsert(plant, trigger="cold")
    upsert(plant, trigger="Hot, COLD")
    assert plant.row(LEAD)["trigger"] == "cold,Hot"


def test_attributes_are_merged_by_key(plant: Plant) -> None:
    upsert(plant, attributes=Jsonb({"city": "Ipoh", "age": 30}))
    upsert(plant, attributes=Jsonb({"age": 31, "pets": ["cat"]}))
    assert plant.row(LEAD)["attributes"] == {"city": "Ipoh", "age": 31, "pets": ["cat"]}


@pytest.mark.parametrize(
    ("phone", "fields", "code", "word"),
    [
        (None, {}, "DR002", "empty"),
        ("abc", {}, "DR002", "letters"),
        ("012", {}, "DR002", "short"),
        ("0123456789", {"target_status": "vip"}, "DR015", "vip"),
        ("0123456789", {"target_status": "all"}, "DR015", "all"),
        ("0123456789", {"device": "frnt"}, "DR012", "frnt"),
        ("0123456789", {"device": "99"}, "DR012", "99"),
        ("0123456789", {"time_zone": "Mars/Base"}, "DR001", "Mars/Base"),
        ("0123456789", {"time_zone": "foo+8"}, "DR001", "foo+8"),
        ("0123456789", {"language": "Bahasa Melayu"}, "DR001", "Bahasa"),
        ("0123456789", {"attributes": Jsonb([])}, "DR001", "attributes"),
        ("0123456789", {"attributes": Jsonb("x")}, "DR001", "attributes"),
        ("0123456789", {"external_id": "x" * 3000}, "DR001", "external_id"),
        ("0123456789", {"external_id": "taken"}, "DR013", "taken"),
    ],
)
def test_rubbish_is_refused_in_a_sentence(
    conn: Connection, plant: Plant, phone: Any, fields: dict[str, Any], code: str, word: str
) -> None:
    plant.device("front")
    upsert(plant, "+60111111111", external_id="taken")
    names = "".join(f", p_{name} => %s" for name in fields)
    got, sentence, hint = refusal(
        conn, f"select * from drip.upsert_lead(%s{names})", phone, *fields.values()
    )
    assert got == code
    assert word in sentence
    assert plant.value("select count(*) from drip.leads") == 1
    if fields.get("device") == "frnt":
        assert "'front'" in hint


def test_a_device_of_another_tenant_is_not_found(conn: Connection, plant: Plant) -> None:
    other = plant.other_tenant()
    theirs = plant.device("theirs", user=other)
    with plant.acting_for(plant.user):
        for name in ("theirs", str(theirs)):
            query = "select * from drip.upsert_lead('0123456789', p_device => %s)"
            assert refusal(conn, query, name)[0] == "DR012"


def test_tenants_have_their_own_lead_of_a_phone(plant: Plant, connect: Any) -> None:
    other = plant.other_tenant()
    plant.assign("drip_app", other)
    with plant.acting_for(plant.user):
        upsert(plant, "+60123456789", name="ours", external_id="1")
    app = connect(role="drip_app")
    app.execute("select * from drip.upsert_lead('+60123456789', 'theirs', p_external_id => '1')")
    assert plant.rows("select user_id, name from drip.leads order by user_id") == [
        {"user_id": plant.user, "name": "ours"},
        {"user_id": other, "name": "theirs"},
    ]
