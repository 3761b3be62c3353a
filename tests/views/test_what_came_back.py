"""Delivered, read, replied, opted out and unconfirmed, in every overview that counts them."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Connect, Plant
from inbound import PHONE, Row, ack, cloud_device, preference, process, said, send, status

COUNTS = ("delivered", "read", "replied", "opted_out", "unconfirmed")


def counts(row: Row, sent: str = "messages_sent") -> dict[str, Any]:
    return {name: row[name] for name in (sent, *COUNTS)}


def campaign_row(plant: Plant) -> Row:
    return plant.row("select * from drip.campaign_overview")


def device_row(plant: Plant, device: int) -> Row:
    return plant.row("select * from drip.device_overview where device_id = %s", device)


def sent_campaign(plant: Plant, *devices: int) -> list[int]:
    """A campaign's messages, one by each of the devices, all sent."""
    campaign = plant.campaign()
    messages = [
        plant.message(device, plant.lead(f"+6012345670{number}"), campaign_id=campaign)
        for number, device in enumerate(devices)
    ]
    plant.wake()
    for row in plant.claim():
        plant.answer(row)
    assert campaign_row(plant)["messages_sent"] == len(devices)
    return messages


def test_a_campaign_and_its_devices(clock: Clock, plant: Plant) -> None:
    heard, silent = plant.device(burst=9), plant.device(burst=9)
    messages = sent_campaign(plant, heard, heard, heard, heard, silent)
    assert counts(campaign_row(plant)) == {
        "messages_sent": 5,
        "delivered": 0,
        "read": 0,
        "replied": 0,
        "opted_out": 0,
        "unconfirmed": None,
    }
    clock.advance(minutes=5)
    phones = [f"+6012345670{number}" for number in range(5)]
    process(
        plant,
        ack(heard, f"id-{messages[0]}", phone=phones[0]),
        ack(heard, f"id-{messages[1]}", kind="read", phone=phones[1]),
        said(heard, "stop", "R1", phone=phones[1]),
        said(heard, "nice", "R2", phone=phones[2]),
    )
    row = campaign_row(plant)
    assert counts(row) == {
        "messages_sent": 5,
        "delivered": 2,
        "read": 1,
        "replied": 2,
        "opted_out": 1,
        "unconfirmed": 0,
    }
    assert (row["delivered_percent"], row["read_percent"]) == (40, 20)
    assert (row["replied_percent"], row["opted_out_percent"]) == (40, 20)

    # the fourth has no receipt for an hour; what the silent device sent nobody knows
    clock.advance(minutes=56)
    assert counts(campaign_row(plant))["unconfirmed"] == 1
    row = device_row(plant, heard)
    assert counts(row) == {
        "messages_sent": 4,
        "delivered": 2,
        "read": 1,
        "replied": 2,
        "opted_out": 1,
        "unconfirmed": 1,
    }
    assert row["delivered_percent"] == 50
    assert row["last_receipt_at"] is not None
    row = device_row(plant, silent)
    assert (row["messages_sent"], row["unconfirmed"], row["last_receipt_at"]) == (1, None, None)
    assert row["opted_out_percent"] == 0

    # a late receipt settles it
    process(plant, ack(heard, f"id-{messages[3]}", phone=phones[3]))
    assert counts(campaign_row(plant))["unconfirmed"] == 0

    # a week without any: the webhook is broken rather than each message lost
    clock.advance(days=7, minutes=1)
    assert campaign_row(plant)["unconfirmed"] is None
    assert device_row(plant, heard)["unconfirmed"] is None


def test_a_sequence_and_its_steps(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=9)
    sequence = plant.sequence({}, {"trigger_delay_hours": 24}, stop_on_reply=False)
    for number in range(2):
        plant.enroll(sequence, plant.lead(f"+6012345670{number}"))
    for _ in range(2):
        plant.wake()
        for row in plant.claim():
            plant.answer(row)
        clock.advance(hours=24)
    steps = plant.rows("select * from drip.sequence_funnel order by step")
    assert [step["messages_sent"] for step in steps] == [2, 2]
    clock.advance(hours=2)
    ids = plant.rows(
        "select m.message_id, m.step, m.recipient_phone from drip.message_log m order by 2, 1"
    )
    webhooks = [
        ack(device, f"id-{row['message_id']}", phone=row["recipient_phone"], kind="read")
        for row in ids[:3]
    ]
    process(plant, *webhooks, said(device, "STOP", phone=ids[2]["recipient_phone"]))
    first, second = plant.rows("select * from drip.sequence_funnel order by step")
    assert counts(first) == {
        "messages_sent": 2,
        "delivered": 2,
        "read": 2,
        "replied": 0,
        "opted_out": 0,
        "unconfirmed": 0,
    }
    assert (first["delivered_percent"], first["replied_percent"]) == (100, 0)
    assert counts(second) == {
        "messages_sent": 2,
        "delivered": 1,
        "read": 1,
        "replied": 1,
        "opted_out": 1,
        "unconfirmed": 1,
    }
    whole = plant.row("select * from drip.sequence_overview")
    assert {name: whole[name] for name in COUNTS} == {
        name: first[name] + second[name] for name in COUNTS
    }
    assert whole["read_percent"] == 75


def test_what_is_not_sent_is_not_delivered(clock: Clock, plant: Plant) -> None:
    """A message that the provider took back leaves all of its counts."""
    device = cloud_device(plant)
    lead = plant.lead(PHONE, last_inbound_at=clock.now)
    message = plant.message(device, lead, campaign_id=plant.campaign())
    send(plant, message, "wamid.1")
    process(plant, status(device, "wamid.1", "failed", code=131026))
    row = campaign_row(plant)
    assert (row["messages_sent"], row["delivered"], row["delivered_percent"]) == (0, 0, None)
    assert row["messages_failed"] == 1


def test_an_opt_out_at_the_provider_counts_for_the_last_message(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant)
    lead = plant.lead(PHONE, last_inbound_at=clock.now)
    message = plant.message(device, lead, campaign_id=plant.campaign())
    send(plant, message, "wamid.1")
    clock.advance(minutes=1)
    process(plant, preference(device, "stop", at=int(clock.now.timestamp())))
    row = campaign_row(plant)
    # it says nothing, so it is no reply
    assert (row["opted_out"], row["replied"]) == (1, 0)
    process(plant, preference(device, "stop", at=int(clock.now.timestamp()) + 1))
    assert campaign_row(plant)["opted_out"] == 1


def test_last_receipt_is_kept_to_the_hour(clock: Clock, plant: Plant) -> None:
    device = plant.device(burst=9)
    messages = sent_campaign(plant, device, device, device)
    start = clock.now
    for number, minutes, expected in ((0, 0, 0), (1, 59, 0), (2, 2, 61)):
        clock.advance(minutes=minutes)
        process(plant, ack(device, f"id-{messages[number]}", phone=f"+6012345670{number}"))
        seen = device_row(plant, device)["last_receipt_at"] - start
        assert seen.total_seconds() == 60 * expected


def test_a_batch_waits_for_no_other_batch_to_note_its_device(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    device = plant.device(burst=9)
    messages = sent_campaign(plant, device, device)
    process(plant, ack(device, f"id-{messages[0]}", phone="+60123456700"))
    clock.advance(hours=2)
    holder = connect(autocommit=False)
    holder.execute("select from drip.device_receipts r for update")
    plant.conn.execute("set lock_timeout = '1s'")
    process(plant, ack(device, f"id-{messages[1]}", phone="+60123456701"))
    assert campaign_row(plant)["delivered"] == 2
    holder.rollback()


@pytest.mark.parametrize(
    ("columns", "reads_history"),
    [
        ("device_name, status, due, processing, may_send_at", False),
        ("device_name, delivered", True),
    ],
)
def test_a_look_at_the_devices_reads_no_history(
    clock: Clock, plant: Plant, columns: str, reads_history: bool
) -> None:
    """What is pending and what is processing have indexes of their own."""
    plan = plant.rows(f"explain select {columns} from drip.device_overview")
    assert any("'sent'" in row["QUERY PLAN"] for row in plan) is reads_history
