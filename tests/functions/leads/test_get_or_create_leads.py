"""_get_or_create_leads(): phones become leads in bulk."""

from __future__ import annotations

from factory import Clock, Plant

QUERY = "select * from drip._get_or_create_leads(%s, %s, %s)"


def test_each_phone_gets_its_lead_in_order(clock: Clock, plant: Plant) -> None:
    plant.tenant(default_region="MY")
    known = plant.lead("+60123456789", name="Aminah")
    rows = plant.rows(
        QUERY,
        plant.user,
        ["0199999999", "012-345 6789", "x", None, "+60 19-999 9999"],
        [None, "Siti", "X", None, "Ali"],
    )
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["input"] for row in rows] == [
        "0199999999",
        "012-345 6789",
        "x",
        None,
        "+60 19-999 9999",
    ]
    assert rows[1]["lead_id"] == known
    assert rows[0]["lead_id"] == rows[4]["lead_id"]
    assert [row["lead_id"] is None for row in rows] == [False, False, True, True, False]
    assert [row["problem"] is None for row in rows] == [True, True, False, False, True]
    names = plant.rows("select phone, name from drip.leads order by phone")
    assert names == [
        {"phone": "+60123456789", "name": "Aminah"},
        {"phone": "+60199999999", "name": "Ali"},
    ]


def test_names_may_be_left_out_and_nothing_may_come(plant: Plant) -> None:
    assert plant.rows("select * from drip._get_or_create_leads(%s, '{}')", plant.user) == []
    rows = plant.rows(
        "select * from drip._get_or_create_leads(%s, %s)", plant.user, ["+60123456789"]
    )
    assert rows[0]["problem"] is None


def test_a_repeat_writes_nothing(plant: Plant) -> None:
    phones = [f"+6011{n:08d}" for n in range(500)]
    first = plant.rows(QUERY, plant.user, phones, None)
    versions = plant.rows("select id, xmin::text from drip.leads order by id")
    assert plant.rows(QUERY, plant.user, phones[::-1], None)[::-1] == [
        row | {"position": 501 - row["position"]} for row in first
    ]
    assert plant.rows("select id, xmin::text from drip.leads order by id") == versions
