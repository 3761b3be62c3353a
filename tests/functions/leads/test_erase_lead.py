"""erase_lead(): the person goes, the counts stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal
from waiting import wait_until_blocked

PHONE = "+60123456789"
ERASE = "select * from drip.erase_lead(%s, 'asked for it')"

# Everything of the tenant as text, to search for the person in.
EVERYTHING = """
select string_agg(x.row, ' ') from (
  select l::text as row from drip.leads l
  union all select m::text from drip.broadcast_messages m
  union all select e::text from drip.sequence_contacts e
  union all select i::text from drip.inbound_messages i
  union all select r::text from drip.receipts r
  union all select a::text from drip.lead_aliases a
  union all select g::text from drip.audit_log g
  union all select t::text from drip.message_attempts t
) x
"""


def test_nothing_of_the_person_is_left(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    lead = plant.lead(
        PHONE,
        name="Aminah",
        external_id="crm-1",
        niche="secret",
        trigger="cold",
        attributes=Jsonb({"city": "Ipoh"}),
    )
    sent = plant.message(device, lead, source=Jsonb({"content": "Dear {name}"}))
    plant.answer(plant.claim()[0])
    plant.message(device, lead)
    plant.wake()
    plant.answer(plant.claim()[0], "permanent", error_code="X", error_message="no such Aminah")
    pending = plant.message(device, lead, source=Jsonb({"content": "Dear Aminah"}))
    sequence = plant.sequence({}, {"trigger_delay_hours": 1})
    journey = plant.enroll(sequence, lead)
    plant.insert(
        "inbound_messages",
        user_id=plant.user,
        device_id=device,
        lead_id=lead,
        sender=PHONE,
        body="I am Aminah",
        received_at=clock.now,
    )
    assert "Aminah" in plant.value(EVERYTHING)

    erased = plant.row(ERASE, PHONE)

    assert erased == {"lead_id": lead, "cancelled": 3, "scrubbed": 5, "outcome": "erased"}
    everything = plant.value(EVERYTHING)
    for word in ("Aminah", "60123456789", "crm-1", "Ipoh", "secret", "cold"):
        assert word not in everything, word
    assert plant.message_row(sent)["status"] == "sent"
    assert plant.message_row(pending)["status_reason"] == "erased"
    enrollment = plant.enrollment(journey)
    assert (enrollment["status"], enrollment["exit_reason"]) == ("exited", "erased")
    plant.wake()
    assert plant.claim() == []


def test_an_opt_out_is_not_forgotten(plant: Plant) -> None:
    plant.lead(PHONE)
    plant.suppress(PHONE)
    plant.row(ERASE, PHONE)
    assert plant.value("select phone from drip.suppressions") == PHONE


def test_a_repeated_request_sends_nothing_to_the_erased_person(clock: Clock, plant: Plant) -> None:
    """The application's retry, of a message that has gone and of one that never will."""
    plant.device()
    query = "select * from drip.send_message(%s, 'Hi', p_idempotency_key => %s)"
    sent = plant.row(query, PHONE, f"a {PHONE}")
    plant.answer(plant.claim()[0])
    pending = plant.row(query, PHONE, f"b {PHONE}")
    plant.row(ERASE, PHONE)
    leads = plant.value("select count(*) from drip.leads")

    for key, first in (("a", sent), ("b", pending)):
        again = plant.row(query, PHONE, f"{key} {PHONE}")
        assert again == first | {"outcome": "already_sent", "reason": "erased"}
    assert plant.value("select count(*) from drip.broadcast_messages") == 2
    assert plant.value("select count(*) from drip.leads") == leads
    assert PHONE not in plant.value(EVERYTHING)
    assert plant.row(query, PHONE, f"c {PHONE}")["outcome"] == "planned"


def test_a_key_of_a_lead_erased_twice_is_known_still(clock: Clock, plant: Plant) -> None:
    plant.device()
    query = "select * from drip.send_message(%s, 'Hi', p_idempotency_key => 'k')"
    plant.row(query, PHONE)
    lead = plant.row(ERASE, PHONE)["lead_id"]
    plant.update("leads", lead, phone=PHONE)
    plant.row(ERASE, PHONE)
    assert plant.row(query, PHONE)["reason"] == "erased"


def test_the_phone_may_come_back_as_a_new_person(plant: Plant) -> None:
    lead = plant.lead(PHONE)
    plant.row(ERASE, PHONE)
    assert plant.lead(PHONE) != lead


def test_nobody_is_enrolled_or_written_to_by_what_stands_in_the_phones_place(
    plant: Plant, conn: Connection
) -> None:
    plant.lead(PHONE)
    plant.row(ERASE, PHONE)
    nobody = plant.value("select phone from drip.leads")
    sequence = plant.sequence({})
    row = plant.row("select * from drip.enroll_lead(%s, %s)", str(sequence), nobody)
    assert row["outcome"] == "invalid_phone"
    assert refusal(conn, "select drip.send_message(%s, 'Hi')", nobody)[0] == "DR002"


def test_a_message_on_its_way_is_waited_for(clock: Clock, plant: Plant, conn: Connection) -> None:
    plant.message(plant.device(), plant.lead(PHONE))
    plant.claim()
    assert refusal(conn, ERASE, PHONE)[0] == "DR005"
    assert plant.value("select phone from drip.leads") == PHONE


def test_a_claim_that_is_under_way_is_waited_for_too(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    lead = plant.lead(PHONE)
    message = plant.message(plant.device(), lead)
    claimer = clock.join(connect(autocommit=False))
    eraser = clock.join(connect())
    [claimed] = plant.claim(session=claimer)
    with ThreadPoolExecutor(1) as pool:
        erasing = pool.submit(refusal, eraser, ERASE, PHONE)
        wait_until_blocked(plant.conn, eraser, by=claimer)
        claimer.commit()
        assert erasing.result()[0] == "DR005"
    assert plant.value("select phone from drip.leads") == PHONE
    assert plant.message_row(message)["content"] == claimed["content"]


def test_it_is_written_down(plant: Plant) -> None:
    lead = plant.lead(PHONE)
    plant.row(ERASE, PHONE)
    entry = plant.row("select * from drip.audit_log where action = 'erase_lead'")
    assert (entry["subject_id"], entry["reason"]) == (lead, "asked for it")


def test_an_unknown_lead_is_refused(conn: Connection) -> None:
    assert refusal(conn, ERASE, PHONE)[0] == "DR012"
