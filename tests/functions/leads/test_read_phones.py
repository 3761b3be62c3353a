"""read_phones(): how a phone is read, asked before anything is stored."""

from __future__ import annotations

from factory import Plant


def test_phones_come_back_in_order_with_kind_or_problem(plant: Plant) -> None:
    plant.tenant(default_region="MY")
    rows = plant.rows(
        "select * from drip.read_phones(%s)",
        ["012-345 6789", "03-2345 6701", "nobody", "+60199999999999", None, "+60111111111"],
    )
    assert [(row["position"], row["phone"], row["kind"]) for row in rows] == [
        (1, "+60123456789", "mobile"),
        (2, "+60323456701", "fixed"),
        (3, None, None),
        (4, None, None),
        (5, None, None),
        (6, "+60111111111", None),
    ]
    assert [bool(row["problem"]) for row in rows] == [False, False, True, True, True, False]


def test_each_phone_may_have_a_country_of_its_own(plant: Plant) -> None:
    plant.tenant(default_region="MY")
    rows = plant.rows(
        "select phone from drip.read_phones(%s, %s)",
        ["91234567", "0123456789", "0123456789"],
        ["Singapore", None],
    )
    assert [row["phone"] for row in rows] == ["+6591234567", "+60123456789", "+60123456789"]


def test_no_lead_is_made(plant: Plant) -> None:
    plant.rows("select * from drip.read_phones(array['+60123456789'])")
    assert plant.value("select count(*) from drip.leads") == 0
