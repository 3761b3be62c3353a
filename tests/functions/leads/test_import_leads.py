"""import_leads(): many leads, a bad row costs that row only."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connection, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from refusals import refusal

IMPORT = "select * from drip.import_leads(%s)"


@pytest.fixture(autouse=True)
def malaysia(plant: Plant) -> None:
    plant.tenant(default_region="MY")


def load(plant: Plant, *leads: Any) -> list[dict[str, Any]]:
    return plant.rows(IMPORT, Jsonb(list(leads)))


def outcomes(rows: list[dict[str, Any]]) -> list[str]:
    return [row["outcome"] for row in rows]


@pytest.mark.lesson(32, "imports")
def test_rows_come_back_in_order_with_what_was_done(clock: Clock, plant: Plant) -> None:
    load(plant, {"phone": "0111111111", "name": "old"})
    rows = load(
        plant,
        {"phone": "013-333 3333", "name": "C", "trigger": "cold", "attributes": {"city": "Ipoh"}},
        {"phone": "nonsense"},
        {"phone": "+60111111111", "name": "new"},
        {"phone": 60122222222, "external_id": 17},
        {"phone": "011-111 1112"},
    )
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5]
    assert outcomes(rows) == ["created", "invalid", "updated", "created", "created"]
    assert [row["phone"] for row in rows] == [
        "+60133333333",
        None,
        "+60111111111",
        "+60122222222",
        "+60111111112",
    ]
    assert rows[1]["lead_id"] is None
    assert "letters" in rows[1]["problem"]
    lead = plant.row("select * from drip.leads where id = %s", rows[0]["lead_id"])
    assert (lead["name"], lead["trigger"], lead["attributes"]) == ("C", "cold", {"city": "Ipoh"})
    assert (
        plant.value("select external_id from drip.leads where id = %s", rows[3]["lead_id"]) == "17"
    )
    assert plant.value("select name from drip.leads where id = %s", rows[2]["lead_id"]) == "new"


def test_a_repeat_changes_nothing(clock: Clock, plant: Plant) -> None:
    leads = [
        {"phone": f"012000{n:04d}", "name": f"N{n}", "niche": "a, b", "attributes": {"n": n}}
        for n in range(50)
    ]
    assert set(outcomes(load(plant, *leads))) == {"created"}
    versions = plant.rows("select id, xmin::text from drip.leads order by id")
    clock.advance(hours=1)
    assert set(outcomes(load(plant, *leads))) == {"unchanged"}
    assert plant.rows("select id, xmin::text from drip.leads order by id") == versions


def test_a_phone_twice_is_one_lead_with_the_later_values(plant: Plant) -> None:
    """LESSONS 31."""
    rows = load(
        plant,
        {"phone": "0123456789", "name": "A", "trigger": "cold", "attributes": {"a": 1, "b": 1}},
        {"phone": "+60 12-345 6789", "trigger": "hot", "attributes": {"b": 2}},
        {"phone": "60123456789", "name": "C", "language": "ms"},
        {"phone": "0123456789", "name": "", "device": "unknown"},
    )
    assert outcomes(rows) == ["created", "duplicate", "duplicate", "invalid"]
    assert len({row["lead_id"] for row in rows[:3]}) == 1
    lead = plant.row("select * from drip.leads")
    assert (lead["name"], lead["trigger"], lead["language"]) == ("C", "cold,hot", "ms")
    assert lead["attributes"] == {"a": 1, "b": 2}


def test_clearing_counts_from_its_row_on(plant: Plant) -> None:
    load(plant, {"phone": "0123456789", "trigger": "old", "name": "A"})
    load(
        plant,
        {"phone": "0123456789", "trigger": "one"},
        {"phone": "0123456789", "trigger": "", "name": ""},
        {"phone": "0123456789", "trigger": "two"},
    )
    lead = plant.row("select * from drip.leads")
    assert (lead["trigger"], lead["name"]) == ("two", None)


def test_an_external_id_names_one_lead(plant: Plant) -> None:
    load(plant, {"phone": "0111111111", "external_id": "A"})
    rows = load(
        plant,
        {"phone": "0122222222", "external_id": "A"},
        {"phone": "0111111111", "external_id": "A"},
        {"phone": "0133333333", "external_id": "B"},
        {"phone": "0144444444", "external_id": "B"},
    )
    assert outcomes(rows) == ["invalid", "unchanged", "created", "invalid"]
    assert "'A' belongs to another lead" in rows[0]["problem"]
    assert "'B' belongs to another lead" in rows[3]["problem"]


@pytest.mark.parametrize(
    ("lead", "problem"),
    [
        (5, "not a JSON object"),
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ("0123456789", "not a JSON object"),
        ({}, "empty"),
        ({"phone": None}, "empty"),
        ({"phone": "6.01E+10"}, "scientific"),
        ({"phone": "0123456789", "nam": "A"}, "'nam'; the nearest is name"),
        ({"phone": "0123456789", "name": {"first": "A"}}, "name is not text"),
        ({"phone": "0123456789", "trigger": ["a"]}, "trigger is not text"),
        ({"phone": "0123456789", "niche": True}, "niche is not text"),
        ({"phone": "0123456789", "target_status": "vip"}, "'vip' is not a target status"),
        ({"phone": "0123456789", "device": "nowhere"}, "no device 'nowhere'"),
        ({"phone": "0123456789", "time_zone": "MYT"}, "'MYT' is not a time zone"),
        ({"phone": "0123456789", "language": "?"}, "'?' is not a language"),
        ({"phone": "0123456789", "attributes": []}, "attributes"),
        ({"phone": "0123456789", "attributes": "x"}, "attributes"),
        ({"phone": "0123456789", "external_id": "x" * 3000}, "external_id"),
    ],
)
def test_a_bad_row_costs_that_row_only(plant: Plant, lead: Any, problem: str) -> None:
    rows = load(plant, {"phone": "0111111111"}, lead, {"phone": "0111111112"})
    assert outcomes(rows) == ["created", "invalid", "created"]
    assert problem in rows[1]["problem"]
    assert rows[0]["problem"] is rows[2]["problem"] is None
    assert plant.value("select count(*) from drip.leads") == 2


def test_null_fields_stay_as_they_are(plant: Plant) -> None:
    load(plant, {"phone": "0123456789", "name": "A", "attributes": {"a": 1}})
    rows = load(plant, {"phone": "0123456789", "name": None, "attributes": None, "device": None})
    assert outcomes(rows) == ["unchanged"]


@pytest.mark.parametrize("leads", [{}, "x", 5, None])
def test_only_a_list_is_a_batch(conn: Connection, leads: Any) -> None:
    assert refusal(conn, IMPORT, Jsonb(leads))[0] == "DR001"


def test_no_list_at_all(conn: Connection) -> None:
    assert refusal(conn, "select * from drip.import_leads(null)")[0] == "DR001"


def test_an_empty_batch_is_fine(plant: Plant) -> None:
    assert load(plant) == []


def test_a_large_batch_goes_through_in_one_call(plant: Plant) -> None:
    rows = load(
        plant, *({"phone": f"011{n:08d}", "name": f"N{n}", "trigger": "cold"} for n in range(5000))
    )
    assert set(outcomes(rows)) == {"created"}
    assert plant.value("select count(*) from drip.leads") == 5000


def test_applications_import_for_their_own_tenant(plant: Plant, connect: Any) -> None:
    other = plant.other_tenant()
    plant.assign("drip_app", other)
    app = connect(role="drip_app")
    [row] = app.execute(IMPORT, [Jsonb([{"phone": "+60123456789"}])]).fetchall()
    assert row["outcome"] == "created"
    assert plant.value("select user_id from drip.leads") == other


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8).map(lambda t: t.replace("\0", "")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("k"), inner, max_size=1),
    max_leaves=3,
)
FIELDS = [
    "phone",
    "name",
    "niche",
    "target_status",
    "trigger",
    "device",
    "time_zone",
    "language",
    "external_id",
    "attributes",
]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    leads=st.lists(
        st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5).flatmap(
            lambda lead: st.sampled_from(["0123456789", "+60111111111", "x"]).map(
                lambda phone: lead | {"phone": phone}
            )
        )
        | JSON,
        max_size=5,
    )
)
def test_no_data_whatever_raises(conn: Connection, plant: Plant, leads: list[Any]) -> None:
    rows = plant.rows(IMPORT, Jsonb(leads))
    assert [row["row"] for row in rows] == list(range(1, len(leads) + 1))
    for row in rows:
        assert (row["outcome"] == "invalid") == (row["problem"] is not None)
        assert (row["lead_id"] is None) == (row["outcome"] == "invalid")


@pytest.mark.parametrize(
    ("phones", "phone"),
    [
        (["03-2345 6701", "012-345 6701"], "+60123456701"),
        (["012-345 6701", "013-345 6702"], "+60123456701"),
        (["nobody", "012-345 6701"], "+60123456701"),
        (["", "03-2345 6701"], "+60323456701"),
        (["03-2345 6701", "+65 9123 4567"], "+6591234567"),
    ],
)
def test_of_several_phones_the_first_mobile_counts(
    plant: Plant, phones: list[str], phone: str
) -> None:
    [row] = load(plant, {"phone": phones})
    assert (row["phone"], row["outcome"]) == (phone, "created")


def test_of_several_bad_phones_the_first_is_told(plant: Plant) -> None:
    rows = load(plant, {"phone": ["6.01E+10", "nobody"]}, {"phone": []}, {"phone": [{"a": 1}]})
    assert outcomes(rows) == ["invalid"] * 3
    assert "scientific" in rows[0]["problem"]
    assert "empty" in rows[1]["problem"]


def test_the_country_of_a_row_reads_its_phone(plant: Plant) -> None:
    rows = load(
        plant,
        {"phone": "91234567", "country": "65"},
        {"phone": "0812-3456-7890", "country": "Indonesia"},
        {"phone": "0123456789", "country": ""},
        {"phone": "0123456789", "country": "Atlantis"},
    )
    assert [row["phone"] for row in rows] == ["+6591234567", "+6281234567890", "+60123456789", None]
    assert "'Atlantis' is not known" in rows[3]["problem"]


def test_unknown_values_are_kept_where_the_caller_names_an_attribute(plant: Plant) -> None:
    rows = plant.rows(
        "select * from drip.import_leads(%s, %s)",
        Jsonb(
            [
                {
                    "phone": "0123456701",
                    "target_status": "Open - Not Contacted",
                    "device": "Ali (sales)",
                    "time_zone": "KL",
                    "language": "Bahasa Melayu",
                    "attributes": {"city": "Ipoh"},
                },
                {"phone": "0123456702", "target_status": "Customer", "language": "ms"},
                {"phone": "nobody", "target_status": "Lead"},
            ]
        ),
        Jsonb(
            {
                "target_status": "lead_status",
                "device": "sender",
                "time_zone": "time_zone",
                "language": "language",
            }
        ),
    )
    assert outcomes(rows) == ["created", "created", "invalid"]
    assert rows[0]["kept"] == ["target_status", "device", "time_zone", "language"]
    assert rows[1]["kept"] is rows[2]["kept"] is None
    lead = plant.row("select * from drip.leads where phone = '+60123456701'")
    assert lead["attributes"] == {
        "city": "Ipoh",
        "lead_status": "Open - Not Contacted",
        "sender": "Ali (sales)",
        "time_zone": "KL",
        "language": "Bahasa Melayu",
    }
    assert (lead["target_status"], lead["device_id"], lead["language"]) == ("prospect", None, None)


@pytest.mark.parametrize("keep", [[], 1, {"name": "x"}, {"device": 1}, {"device": ""}])
def test_what_names_no_attributes_is_refused(conn: Connection, keep: Any) -> None:
    query = "select * from drip.import_leads('[]', %s)"
    assert refusal(conn, query, Jsonb(keep))[0] == "DR001"


def test_a_field_that_is_not_kept_is_refused_as_ever(plant: Plant) -> None:
    [row] = plant.rows(
        "select * from drip.import_leads(%s, %s)",
        Jsonb([{"phone": "0123456701", "target_status": "vip", "language": "?"}]),
        Jsonb({"language": "language"}),
    )
    assert (row["outcome"], "'vip' is not a target status" in row["problem"]) == ("invalid", True)


def test_a_journey_is_not_restarted_by_a_token_where_the_caller_says_so(
    plant: Plant, clock: Clock
) -> None:
    raya = plant.sequence(trigger="raya", auto_enroll="trigger", reenroll_after="30 days")
    plant.sequence(trigger="warm", auto_enroll="trigger")
    again = "select * from drip.import_leads(%s, p_restart => false)"
    lead = Jsonb([{"phone": "0123456701", "trigger": "raya, cold"}])
    [row] = plant.rows(again, lead)
    assert (row["skipped"], row["unused"]) == (None, "cold")
    plant.rows("select * from drip.enroll_matching_leads()")
    assert plant.value("select count(*) from drip.sequence_contacts") == 1
    plant.rows("select * from drip.exit_lead(%s, '0123456701')", str(raya))
    clock.advance(days=40)
    [row] = plant.rows(again, Jsonb([{"phone": "0123456701", "trigger": "Raya,warm"}]))
    assert (row["skipped"], row["unused"]) == ("Raya", None)
    assert plant.value("select trigger from drip.leads") == "cold,warm"
    [row] = plant.rows(IMPORT, Jsonb([{"phone": "0123456701", "trigger": "raya"}]))
    assert row["skipped"] is None
    assert plant.value("select trigger from drip.leads") == "cold,warm,raya"
