"""One subscriber's number has several spellings: leads and opt-outs are found under all of them."""

from __future__ import annotations

import json

import pytest
from factory import Clock, Plant
from inbound import process, said

pytestmark = pytest.mark.rolled_back

# The spelling of a file or a form, and the one of the other side, each with its own region.
SPELLINGS = [
    ("+525512345678", "+5215512345678"),
    ("+5215512345678", "+525512345678"),
    ("+5531987654321", "+553187654321"),
    ("+553187654321", "+5531987654321"),
    ("+5491123456789", "+541123456789"),
    ("+541123456789", "+5491123456789"),
    ("+2290197123456", "+22997123456"),
    ("+22997123456", "+2290197123456"),
    ("+2250707123456", "+22507123456"),
    ("+2250544123456", "+22544123456"),
    ("+2250141123456", "+22541123456"),
]
# Near to each other, and two subscribers.
STRANGERS = [
    # a landline of São Paulo, and the mobile that has its digits behind a nine
    ("+551140028922", "+5511940028922"),
    ("+525512345678", "+525512345679"),
    ("+5531987654321", "+5521987654321"),
    ("+60123456789", "+601123456789"),
    ("+2250701123456", "+22507123456"),
    ("+34912345678", "+3412345678"),
]


@pytest.mark.parametrize(("known", "other"), SPELLINGS)
def test_a_stop_in_another_spelling_holds(
    clock: Clock, plant: Plant, known: str, other: str
) -> None:
    device = plant.device(burst=5)
    lead = plant.lead(known)
    waiting = plant.message(device, lead=lead)
    assert process(plant, said(device, "STOP", phone=other))["applied"] == 1
    assert plant.message_row(waiting)["status_reason"] == "suppressed"
    assert plant.value("select lead_id from drip.replies") == lead
    assert plant.value("select lead_id from drip.suppression_list") == lead
    # what is planned afterwards does not leave either
    later = plant.message(device, lead=lead)
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(later)["status_reason"] == "suppressed"


@pytest.mark.parametrize(("known", "other"), SPELLINGS)
def test_an_opt_out_of_a_stranger_holds_for_the_lead_that_comes_later(
    clock: Clock, plant: Plant, known: str, other: str
) -> None:
    device = plant.device(burst=5)
    process(plant, said(device, "STOP", phone=other))
    lead = plant.lead(known)
    message = plant.message(device, lead=lead)
    plant.wake()
    assert plant.claim() == []
    assert plant.message_row(message)["status_reason"] == "suppressed"
    found = plant.row("select * from drip.leads_overview where lead_id = %s", lead)
    assert found["suppressed"] == "all"


@pytest.mark.parametrize(("known", "other"), SPELLINGS)
def test_every_spelling_finds_the_lead(plant: Plant, known: str, other: str) -> None:
    lead = plant.lead(known)
    assert plant.value("select (drip._lead_of_phone(%s, %s)).id", plant.user, other) == lead
    assert plant.value("select (drip._lead_of_phone(%s, %s)).id", plant.user, known) == lead


@pytest.mark.parametrize(("known", "other"), STRANGERS)
def test_two_subscribers_stay_two(clock: Clock, plant: Plant, known: str, other: str) -> None:
    device = plant.device(burst=5)
    lead = plant.lead(known)
    waiting = plant.message(device, lead=lead)
    process(plant, said(device, "STOP", phone=other))
    assert plant.rows("select * from drip._lead_of_phone(%s, %s)", plant.user, other) == []
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [waiting]


def test_the_remedy_of_the_list_lifts_it(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=5)
    lead = plant.lead("+525512345678")
    process(plant, said(device, "STOP", phone="+5215512345678"))
    remedy = plant.value("select remedy from drip.suppression_list")
    assert plant.row(remedy)["outcome"] == "removed"
    assert plant.row(remedy)["outcome"] == "not_suppressed"
    message = plant.message(device, lead=lead)
    plant.wake()
    assert [row["message_id"] for row in plant.claim()] == [message]


def test_an_opt_in_lifts_the_opt_out_of_another_spelling(plant: Plant) -> None:
    plant.lead("+525512345678")
    plant.row("select * from drip.opt_out('+5215512345678')")
    assert plant.row("select * from drip.opt_out('+525512345678')")["outcome"] == (
        "already_suppressed"
    )
    assert plant.value("select count(*) from drip.suppression_list") == 1
    assert plant.row("select * from drip.opt_in('+52 55 1234 5678')")["outcome"] == "removed"
    assert plant.value("select count(*) from drip.suppression_list") == 0


def test_an_import_finds_the_lead_in_either_spelling(plant: Plant) -> None:
    lead = plant.lead("+525512345678")
    rows = plant.rows(
        "select * from drip.import_leads(%s)",
        json.dumps(
            [
                {"phone": "+5215512345678", "name": "Ana"},
                {"phone": "+5531987654321", "name": "Bia"},
                {"phone": "+553187654321", "niche": "shoes"},
            ]
        ),
    )
    assert [row["outcome"] for row in rows] == ["updated", "created", "duplicate"]
    assert rows[0]["lead_id"] == lead
    assert rows[1]["lead_id"] == rows[2]["lead_id"]
    assert plant.value("select name from drip.leads where id = %s", lead) == "Ana"
    assert plant.value("select count(*) from drip.leads") == 2


def test_an_enrollment_finds_the_lead_in_either_spelling(clock: Clock, plant: Plant) -> None:
    plant.device()
    lead = plant.lead("+525512345678")
    sequence = plant.sequence()
    rows = plant.rows(
        "select * from drip.enroll_leads(%s, %s)",
        str(sequence),
        ["+5215512345678", "+525512345678", "+5531987654321", "+553187654321"],
    )
    assert [row["outcome"] for row in rows].count("enrolled") == 2
    assert rows[0]["lead_id"] == rows[1]["lead_id"] == lead
    assert rows[2]["lead_id"] == rows[3]["lead_id"]
    assert plant.value("select count(*) from drip.leads") == 2


def test_the_first_digits_cover_all_spellings(plant: Plant) -> None:
    """_phone_key looks at the table only for phones that begin like one of its patterns."""
    samples = {
        row["region"]: row["sample"]
        for row in plant.rows(
            "select s.region, '+' || r.calling_code || '000000000' as sample"
            " from drip.phone_spellings s join drip.regions r using (region)"
        )
    }
    assert samples.keys() >= {"MX", "BR", "AR", "BJ", "CI"}
    body = plant.value("select prosrc from pg_proc where proname = '_phone_key'")
    for region, sample in samples.items():
        assert f"'{sample[:3]}'" in body, region
