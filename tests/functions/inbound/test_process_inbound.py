"""process_inbound(): what webhooks say, and what follows from it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from factory import Clock, Plant


def told(device: int, event: str, **payload: Any) -> tuple[int, str]:
    """A webhook of GOWA for a device."""
    return device, json.dumps({"event": event, "device_id": "one", "payload": payload})


def said(device: int, phone: str, text: str, number: str) -> tuple[int, str]:
    """A webhook of GOWA: somebody writes to a device."""
    chat = f"{phone.lstrip('+')}@s.whatsapp.net"
    fields = {"id": number, "chat_id": chat, "from": chat, "is_from_me": False, "body": text}
    return told(device, "message", **fields)


def process(plant: Plant, *webhooks: tuple[int, str]) -> dict[str, Any]:
    """Store webhooks and process them."""
    plant.row(
        "select drip.store_webhooks(%s, %s, %s)",
        ["device"] * len(webhooks),
        [device for device, _ in webhooks],
        [body for _, body in webhooks],
    )
    return plant.row("select * from drip.process_inbound()")


def test_a_receipt_that_comes_first_waits_for_its_message(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    message = plant.message(device)
    [claimed] = plant.claim()
    ack = told(device, "message.ack", ids=["3EB01"], chat_id="x", receipt_type="read")
    assert process(plant, ack)["parked"] == 1
    plant.answer(claimed, "accepted", provider_message_id="3EB01")
    row = plant.message_row(message)
    assert row["status"] == "sent"
    assert row["delivered_at"] == row["read_at"] == clock.now
    assert plant.value("select count(*) from drip.receipts") == 0


def test_stop_is_confirmed_once_where_the_tenant_wants_it(clock: Clock, plant: Plant) -> None:
    plant.tenant(opt_out_confirmation="You get nothing more from us.")
    device = plant.device(burst=5)
    lead = plant.lead("+60123456789")
    waiting = plant.message(device, lead=lead)
    stop = said(device, "+60123456789", "STOP!", "R1")
    assert process(plant, stop, stop)["applied"] == 1
    row = plant.message_row(waiting)
    assert (row["status"], row["status_reason"]) == ("cancelled", "suppressed")
    plant.wake()
    assert [row["content"] for row in plant.claim()] == ["You get nothing more from us."]


def test_waits_grow_by_the_tables_backoff(clock: Clock, plant: Plant) -> None:
    plant.conn.execute(
        "insert into drip.error_codes"
        " (platform, code, scope, action, wait, backoff, max_failures, meaning)"
        " values ('gowa', 'PAIR', 'recipient', 'retry', '4 seconds', 4, 4, 'too often')"
    )
    plant.tenant(breaker_sample=1000)
    message = plant.message(plant.device(), max_failures=9)
    waits = []
    for _ in range(4):
        plant.wake()
        plant.answer(plant.claim()[0], "retry", error_code="PAIR")
        row = plant.message_row(message)
        if row["status"] == "pending":
            waits.append((row["not_before"] - clock.now).total_seconds())
            clock.set(row["not_before"])
    for least, wait in zip([4, 16, 64], waits, strict=True):
        assert least <= wait <= 1.2 * least
    assert row["status"] == "failed"


def test_a_number_that_fails_on_three_days_is_suppressed(clock: Clock, plant: Plant) -> None:
    row = plant.row("select * from drip.error_codes where code = 'INVALID_JID'")
    assert (row["suppress_after"], row["suppress_gap"]) == (3, timedelta(days=1))
    plant.tenant(breaker_sample=1000)
    device = plant.device()
    lead = plant.lead("+60123456789")
    # a gateway whose look-ups fail says the same of everybody: one bad hour proves nothing
    for hours in (0, 0.1, 0.2, 23, 1, 23.9):
        clock.advance(hours=hours)
        plant.message(device, lead=lead)
        plant.wake()
        plant.answer(plant.claim()[0], "permanent", error_code="INVALID_JID")
        assert plant.value("select count(*) from drip.suppressions") == 0
    clock.advance(hours=0.2)
    plant.message(device, lead=lead)
    plant.wake()
    plant.answer(plant.claim()[0], "permanent", error_code="INVALID_JID")
    assert plant.row("select phone, category, source from drip.suppressions") == {
        "phone": "+60123456789",
        "category": "all",
        "source": "provider",
    }


def test_without_a_gap_every_failure_counts(clock: Clock, plant: Plant) -> None:
    plant.tenant(breaker_sample=1000)
    plant.conn.execute("update drip.error_codes set suppress_gap = null where code = 'INVALID_JID'")
    device = plant.device()
    lead = plant.lead("+60123456789")
    for _ in range(3):
        assert plant.value("select count(*) from drip.suppressions") == 0
        plant.message(device, lead=lead)
        plant.wake()
        plant.answer(plant.claim()[0], "permanent", error_code="INVALID_JID")
    assert plant.value("select count(*) from drip.suppressions") == 1


def test_a_call_reads_a_quarter_of_a_megabyte_of_bodies_or_one(clock: Clock, plant: Plant) -> None:
    """A call that its caller's time-out ends has done nothing, and would read the same again."""
    device = plant.device()
    large = [told(device, "unknown", text="x" * 100_000) for _ in range(5)]
    assert process(plant, *large)["read"] == 2
    assert process(plant, told(device, "unknown", text="x" * 900_000))["read"] == 2
    left = [plant.row("select * from drip.process_inbound()")["read"] for _ in range(3)]
    assert left == [1, 1, 0]
