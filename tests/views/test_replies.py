"""replies: what contacts wrote, what it answers and what followed."""

from __future__ import annotations

from factory import Clock, Connect, Plant
from inbound import (
    PHONE,
    Row,
    changed_number,
    cloud_device,
    gowa,
    jid,
    preference,
    process,
    said,
    wrote,
)
from psycopg.types.json import Jsonb


def replies(plant: Plant) -> list[Row]:
    return plant.rows("select * from drip.replies order by inbound_id")


def journey(plant: Plant, phone: str = PHONE, **sequence: object) -> int:
    """A lead whose journey of two steps has said its first word."""
    step = plant.sequence({}, {"trigger_delay_hours": 24}, **sequence)
    enrollment = plant.enroll(step, plant.lead(phone, name="Ali"))
    plant.wake()
    for row in plant.claim():
        plant.answer(row)
    return enrollment


def test_a_reply_that_ends_its_journey(clock: Clock, plant: Plant) -> None:
    device = plant.device("Sales")
    enrollment = journey(plant, name="WARM")
    sent_at = clock.now
    clock.advance(seconds=90)
    process(plant, said(device, "call me: 012-345 6789"))
    [row] = replies(plant)
    message = plant.journey(enrollment)[0]
    assert row == row | {
        "user_id": plant.user,
        "lead_id": message["lead_id"],
        "lead_name": "Ali",
        "phone": PHONE,
        "device_id": device,
        "device_name": "Sales",
        "kind": "text",
        "text": "call me: 012-345 6789",
        "payload": None,
        "opt_out_category": None,
        "reply_to_message_id": message["id"],
        "source_kind": "sequence",
        "source_name": "WARM",
        "campaign_id": None,
        "sequence_id": message["sequence_id"],
        "sequence_stepid": message["sequence_stepid"],
        "step": 1,
        "seconds_after": 90,
        "journeys_ended": 1,
        "followed_by": "Its journey has ended.",
        "sent_at": clock.now,
        "received_at": clock.now,
    }
    assert message["sent_at"] == sent_at

    plant.rows("select * from drip.reopen_enrollment('WARM', %s)", PHONE)
    [row] = replies(plant)
    assert (row["journeys_ended"], row["followed_by"]) == (0, None)


def test_a_reply_that_ends_nothing(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    journey(plant, stop_on_reply=False)
    process(plant, said(device, "thanks"))
    [row] = replies(plant)
    assert (row["journeys_ended"], row["followed_by"]) == (0, None)
    # the end that comes later is not the reply's
    clock.advance(hours=1)
    plant.rows("select * from drip.exit_lead(%s, %s)", str(row["sequence_id"]), PHONE)
    assert replies(plant)[0]["journeys_ended"] == 0


def test_a_stop_says_what_it_stopped(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    journey(plant)
    journey(plant, "+60123456780")
    process(plant, said(device, "Stop!", "R1"))
    process(plant, said(device, "stop promo", "R2", phone="+60123456780"))
    first, second = replies(plant)
    assert (first["opt_out_category"], second["opt_out_category"]) == ("all", "marketing")
    assert first["followed_by"] == "Opted out of everything. Its journey has ended."
    assert second["followed_by"] == "Opted out of marketing. Its journey has ended."


def test_of_two_replies_in_one_batch_the_first_ended_the_journeys(
    clock: Clock, plant: Plant
) -> None:
    device = plant.device(burst=5)
    journey(plant)
    sequence = plant.sequence({}, {})
    plant.row("select * from drip.enroll_lead(%s, %s)", str(sequence), PHONE)
    clock.advance(minutes=1)
    plant.wake()
    for row in plant.claim():
        plant.answer(row)
    process(plant, said(device, "hello", "R1"), said(device, "are you there?", "R2"))
    first, second = replies(plant)
    assert (first["journeys_ended"], second["journeys_ended"]) == (2, 0)
    assert first["followed_by"] == "2 journeys have ended."


def test_a_button_answers_the_campaign_it_quotes(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    lead = plant.lead(PHONE, last_inbound_at=clock.now)
    campaign = plant.campaign(title="Raya")
    message = plant.message(device, lead, campaign_id=campaign)
    plant.message(device, lead)
    for _ in range(2):
        plant.wake()
        for row in plant.claim():
            plant.answer(row)
    tap = {
        "type": "button",
        "button": {"payload": "slot 91234567", "text": "Yes"},
        "context": {"id": f"id-{message}"},
    }
    process(plant, wrote(device, None, **tap))
    [row] = replies(plant)
    assert (row["kind"], row["text"], row["payload"]) == ("button", "Yes", "slot 91234567")
    assert (row["source_kind"], row["source_name"]) == ("campaign", "Raya")
    assert (row["campaign_id"], row["step"]) == (campaign, None)
    assert row["reply_to_message_id"] == message


def test_somebody_who_is_no_lead(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    known = said(device, "hello", "R1", from_name="Siti")
    unknown = said(device, "hello", "R2", phone="77777777777777@lid")
    process(plant, known, unknown)
    first, second = replies(plant)
    assert (first["lead_id"], first["lead_name"], first["phone"]) == (None, "Siti", PHONE)
    assert (second["lead_id"], second["phone"]) == (None, None)
    assert first["reply_to_message_id"] is first["source_kind"] is first["seconds_after"] is None


def test_what_is_no_reply_is_not_shown(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    plant.lead(PHONE)
    process(plant, preference(device, "stop"), changed_number(device, "+60123456780"))
    assert plant.value("select count(*) from drip.inbound_messages") == 2
    assert replies(plant) == []


def test_phones_are_masked_without_the_right_to_see_them(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    device = plant.device()
    fields = {"id": "R1", "chat_id": jid(PHONE), "from": jid(PHONE), "from_name": "0198765432"}
    text = "I am 60123456789, my wife 019-876 5432, pay 1,250.00 by 2026"
    process(plant, gowa(device, "message", **fields, body=text))
    plant.assign("drip_reader")
    row = connect(role="drip_reader").execute("select * from drip.replies").fetchone()
    assert row is not None
    assert row["phone"] == "+601*****789"
    assert row["text"] == "I am 601*****789, my wife 019*****432, pay 1,250.00 by 2026"
    assert row["lead_name"] == "019*****432"
    assert not any("6789" in str(value) or "5432" in str(value) for value in row.values())
    assert replies(plant)[0]["text"] == text


def test_each_tenant_sees_its_own(clock: Clock, plant: Plant, connect: Connect) -> None:
    other = plant.other_tenant()
    mine, theirs = plant.device(), plant.device(user=other)
    process(plant, said(mine, "mine"), said(theirs, "theirs"))
    operator = connect(role="drip_operator")

    def texts() -> list[str]:
        rows = operator.execute("select text from drip.replies order by text").fetchall()
        return [row["text"] for row in rows]

    assert texts() == ["mine", "theirs"]
    operator.execute("set drip.\"user\" = 'other'")
    assert texts() == ["theirs"]
    plant.assign("drip_reader")
    reader = connect(role="drip_reader")
    assert [row["text"] for row in reader.execute("select text from drip.replies")] == ["mine"]


def test_who_is_erased_leaves_no_words(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    journey(plant)
    process(plant, said(device, "hello"))
    plant.rows("select * from drip.erase_lead(%s)", PHONE)
    [row] = replies(plant)
    assert (row["text"], row["lead_name"]) == (None, None)
    assert PHONE not in str(row)


def test_a_reply_by_an_older_message(clock: Clock, plant: Plant) -> None:
    """The clocks of provider and database differ; a reply is never before its message."""
    device = plant.device()
    message = plant.message(device, plant.lead(PHONE), source=Jsonb({"content": "Hi"}))
    plant.answer(plant.claim()[0])
    early = int(clock.now.timestamp()) - 30
    process(plant, said(device, "hello", timestamp=str(early), replied_to_id=f"id-{message}"))
    assert replies(plant)[0]["seconds_after"] == 0
