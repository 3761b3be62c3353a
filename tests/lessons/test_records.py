"""Identity, content and reports, each rule by the smallest case that shows it.

`make mutants` removes them one by one and expects these tests, and no others, to fail.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Plant
from inbound import process, said
from psycopg.types.json import Jsonb

PHONE = "+60123456789"
NATIONAL = "(212) 555-2368"


# -- 42: keys ---------------------------------------------------------------------------------


@pytest.mark.lesson(42, "parents stay")
@pytest.mark.parametrize("parent", ["campaigns", "sequence_contacts"])
def test_what_messages_point_to_stays(clock: Clock, plant: Plant, parent: str) -> None:
    if parent == "campaigns":
        plant.message(plant.device(), campaign_id=plant.campaign(), priority=3)
    else:
        plant.enroll(plant.sequence())
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        plant.conn.execute(f"delete from drip.{parent}".encode())


# -- 44: texts --------------------------------------------------------------------------------


def sent_text(plant: Plant, text: str, **lead: Any) -> str:
    """What the claim hands over for a text."""
    message = plant.message(plant.device(), plant.lead(**lead), source=Jsonb({"content": text}))
    [claimed] = plant.claim()
    assert claimed["message_id"] == message
    content: str = claimed["content"]
    return content


@pytest.mark.lesson(44, "filled")
def test_a_placeholder_is_filled(clock: Clock, plant: Plant) -> None:
    text = sent_text(plant, "Hi {name}, [[see|see]] you in {attributes.city|town}", name="Ali")
    assert text == "Hi Ali, see you in town"


@pytest.mark.lesson(44, "placeholders first")
@pytest.mark.lesson(44, "filled")
def test_a_value_opens_no_variant_and_no_placeholder(clock: Clock, plant: Plant) -> None:
    name = "[[a|b]] {phone}"
    text = sent_text(plant, "{name} {name|you} [[bye|bye]]", name=name)
    assert text == f"{name} {name} bye"


@pytest.mark.lesson(44, "line breaks")
def test_line_breaks_and_blanks_stay(clock: Clock, plant: Plant) -> None:
    text = sent_text(plant, "one\n\n  two\r\n[[three|three]]\t.")
    assert text == "one\n\n  two\r\nthree\t."


@pytest.mark.lesson(44, "links")
def test_a_link_stays(clock: Clock, plant: Plant) -> None:
    link = "https://example.com/a_b/[x]?q=1|2&r={code}&s={a.b}#frag"
    assert sent_text(plant, f"[[See|See]] {link}") == f"See {link}"


@pytest.mark.lesson(44, "stored")
@pytest.mark.lesson(44, "filled")
def test_what_was_sent_is_kept_as_it_was(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({"content": "Hi {attributes.city}"})
    plant.enroll(sequence, plant.lead(attributes=Jsonb({"city": "Ipoh"})))
    [claimed] = plant.claim()
    plant.answer(claimed)
    plant.conn.execute("update drip.sequence_steps set content = 'Bye'")
    plant.conn.execute("update drip.leads set attributes = '{}'")
    assert plant.message_row(claimed["message_id"])["content"] == claimed["content"] == "Hi Ipoh"


# -- 45: reports ------------------------------------------------------------------------------


@pytest.mark.lesson(45, "buckets sum")
def test_every_message_is_in_one_bucket(clock: Clock, plant: Plant) -> None:
    device, campaign = plant.device(), plant.campaign()
    done = {"finished_at": clock.now, "status_reason": "so"}
    states: dict[str, dict[str, Any]] = {
        "pending": {},
        "processing": {"worker_id": "w", "lease_expires_at": clock.now},
        "sent": {"sent_at": clock.now, "finished_at": clock.now},
        "failed": done,
        "unknown": done,
        "cancelled": done,
        "skipped": done,
        "expired": done,
    }
    for status, columns in states.items():
        plant.message(device, campaign_id=campaign, priority=3, status=status, **columns)
    row = plant.row("select * from drip.campaign_overview")
    assert {status: row[f"messages_{status}"] for status in states} == dict.fromkeys(states, 1)
    assert row["messages"] == len(states)


@pytest.mark.lesson(45, "aggregated before it is joined")
def test_answers_multiply_nothing(clock: Clock, plant: Plant) -> None:
    """Two contacts of three opt out by their answers: still one line, and three of three."""
    device = plant.device(burst=5)
    sequence = plant.sequence({}, {})
    phones = [f"+6012345678{number}" for number in range(3)]
    for phone in phones:
        plant.enroll(sequence, plant.lead(phone))
    for claimed in plant.claim():
        plant.answer(claimed)
    process(plant, *(said(device, "STOP", f"in-{phone}", phone=phone) for phone in phones[:2]))
    row = plant.row("select * from drip.sequence_overview")
    assert (row["enrolled"], row["messages"], row["messages_sent"]) == (3, 6, 3)
    assert row["opted_out"] == 2


@pytest.mark.lesson(45, "one outcome for all")
def test_read_includes_delivered_everywhere(clock: Clock, plant: Plant) -> None:
    """The receipt of the delivery may be lost."""
    plant.device()
    plant.enroll(plant.sequence())
    [claimed] = plant.claim()
    plant.answer(claimed)
    plant.update("broadcast_messages", claimed["message_id"], read_at=clock.now)
    for view in ("sequence_overview", "sequence_funnel", "device_overview"):
        row = plant.row(f"select delivered, read from drip.{view}")
        assert (row["delivered"], row["read"]) == (1, 1), view


@pytest.mark.lesson(45, "derived while a row is held")
def test_a_view_is_true_while_somebody_holds_the_row(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    plant.device()
    enrollment = plant.enroll(plant.sequence())
    [claimed] = plant.claim()
    holder = connect(autocommit=False)
    holder.execute("select * from drip.sequence_contacts for update")
    plant.answer(claimed)
    assert plant.enrollment(enrollment)["status"] == "pending"
    assert plant.value("select completed from drip.sequence_overview") == 1
    assert plant.value("select step_status from drip.sequence_progress_monitor") == "completed"


# -- 47: regions ------------------------------------------------------------------------------


@pytest.mark.lesson(47, "a region per user")
@pytest.mark.parametrize("verb", ["enroll_lead", "import_leads"])
@pytest.mark.parametrize(("region", "phone"), [("US", "+12125552368"), (None, None)])
def test_a_national_number_is_the_tenants_own(
    clock: Clock, plant: Plant, verb: str, region: str | None, phone: str | None
) -> None:
    """Without a region nothing is guessed."""
    plant.sequence(name="Warm")
    plant.tenant(default_region=region)
    if verb == "enroll_lead":
        plant.row("select * from drip.enroll_lead('Warm', %s)", NATIONAL)
    else:
        plant.row("select * from drip.import_leads(%s)", Jsonb([{"phone": NATIONAL}]))
    assert plant.value("select min(phone) from drip.leads") == phone
