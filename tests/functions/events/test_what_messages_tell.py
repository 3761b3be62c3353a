"""What becomes of a message is told once each, whoever finds out: a result or a webhook."""

from __future__ import annotations

import json
from typing import Any

import pytest
from factory import Clock, Plant, Row
from followed import Followed

PHONE = "+60123456789"
CHAT = "60123456789@s.whatsapp.net"


@pytest.fixture
def device(clock: Clock, plant: Plant) -> int:
    return plant.device("main", burst=5)


@pytest.fixture
def claimed(plant: Plant, device: int) -> Row:
    """A message that is with the sender."""
    plant.message(device, plant.lead(PHONE, external_id="C-1"))
    [claimed] = plant.claim()
    return claimed


@pytest.fixture
def followed(plant: Plant, claimed: Row) -> Followed:
    return Followed(plant.conn)


def hear(plant: Plant, device: int, event: str, **payload: Any) -> None:
    """A webhook of the device's gateway comes and is processed."""
    body = json.dumps({"event": event, "device_id": "one", "payload": payload})
    plant.row("select drip.store_webhooks(array['device'], array[%s::bigint], %s)", device, [body])
    assert plant.row("select * from drip.process_inbound()")["dead"] == 0


def ack(plant: Plant, device: int, kind: str, *ids: str) -> None:
    hear(plant, device, "message.ack", ids=list(ids), chat_id=CHAT, receipt_type=kind)


def test_sent_delivered_and_read_in_their_order(
    plant: Plant, device: int, claimed: Row, followed: Followed
) -> None:
    plant.answer(claimed, provider_message_id="3EB01")
    sent = followed.one("message.sent")
    assert (sent["status"], sent["provider_message_id"]) == ("sent", "3EB01")
    assert (sent["phone"], sent["external_id"], sent["attempt"]) == (PHONE, "C-1", 1)
    ack(plant, device, "delivered", "3EB01")
    delivered = followed.one("message.delivered")
    assert delivered["delivered_at"] is not None
    assert delivered["read_at"] is None
    ack(plant, device, "read", "3EB01")
    assert followed.one("message.read")["read_at"] is not None


def test_what_is_said_again_is_told_once(
    plant: Plant, device: int, claimed: Row, followed: Followed
) -> None:
    for _ in range(2):
        plant.answer(claimed, provider_message_id="3EB01")
        ack(plant, device, "read", "3EB01", "3EB01")
        ack(plant, device, "delivered", "3EB01")
    types = followed.types()
    assert types[0] == "message.sent"
    assert len(types) == len(set(types))
    assert "message.read" in types


def test_a_receipt_that_came_first_is_told_with_the_result(
    plant: Plant, device: int, claimed: Row, followed: Followed
) -> None:
    ack(plant, device, "read", "3EB01")
    assert followed.types() == []
    plant.answer(claimed, provider_message_id="3EB01")
    types = followed.types()
    assert {"message.sent", "message.read"} <= set(types)
    assert len(types) == len(set(types))


def test_a_failure_tells_its_error(plant: Plant, claimed: Row, followed: Followed) -> None:
    plant.answer(
        claimed, "permanent", error_code="INVALID_JID", error_message=f"{PHONE} is not there"
    )
    failed = followed.one("message.failed")
    assert (failed["status"], failed["error_code"]) == ("failed", "INVALID_JID")
    assert failed["sent_at"] is None


def test_no_answer_is_unknown_and_a_receipt_settles_it(
    plant: Plant, device: int, claimed: Row, followed: Followed
) -> None:
    plant.answer(claimed, "unknown", provider_message_id="3EB01")
    assert followed.one("message.unknown")["status_reason"] == "no_answer"
    ack(plant, device, "delivered", "3EB01")
    types = followed.types()
    assert "message.delivered" in types
    assert len(types) == len(set(types))


def test_a_retry_is_no_news(plant: Plant, claimed: Row, followed: Followed) -> None:
    plant.answer(claimed, "retry", error_code="INTERNAL_SERVER_ERROR")
    assert followed.types() == []


def test_a_reply_is_told_with_its_text(
    plant: Plant, device: int, claimed: Row, followed: Followed
) -> None:
    plant.answer(claimed)
    followed.take()
    words: Row = {"chat_id": CHAT, "from": CHAT, "is_from_me": False, "body": "Yes, please"}
    for _ in range(2):
        hear(plant, device, "message", id="R1", **words)
    hear(plant, device, "message", id="R2", **words | {"is_from_me": True})
    hear(plant, device, "message", id="R3", **words | {"chat_id": "120363@g.us"})
    reply = followed.one("lead.replied")
    assert (reply["text"], reply["phone"], reply["external_id"]) == ("Yes, please", PHONE, "C-1")
    assert reply["reply_to_message_id"] == claimed["message_id"]
    assert (reply["device_name"], reply["opt_out_category"]) == ("main", None)


def test_a_stop_word_is_a_reply_and_an_opt_out(
    plant: Plant, device: int, claimed: Row, followed: Followed
) -> None:
    words: Row = {"chat_id": CHAT, "from": CHAT, "is_from_me": False, "body": "stop"}
    hear(plant, device, "message", id="R1", **words)
    told = {event.type: event.data for event in followed.take()}
    assert told.keys() == {"lead.replied", "lead.opted_out"}
    assert told["lead.replied"]["opt_out_category"] == "all"
    assert told["lead.opted_out"]["phone"] == PHONE
