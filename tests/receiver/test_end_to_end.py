"""From a gateway's webhook to the state of a message, by way of the receiver and the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from factory import Plant
from receiver_process import Receiver, sign

Start = Callable[..., Receiver]


def states(plant: Plant, message: int) -> dict[str, Any]:
    row = plant.message_row(message)
    return {key: row[key] for key in ("status", "delivered_at", "read_at", "replied_at")}


def test_a_receipt_and_a_stop_count_once_however_often_they_come(
    start_receiver: Start, plant: Plant
) -> None:
    device = plant.device(webhook_secret_name="hook")
    lead = plant.lead("+60123456789")
    message = plant.message(device, lead)
    plant.answer(plant.claim()[0])
    later = plant.message(device, lead, category="marketing")
    provider = plant.message_row(message)["provider_message_id"]
    now = plant.now().isoformat()
    receiver = start_receiver()
    ack = {
        "event": "message.ack",
        "device_id": "60199999999@s.whatsapp.net",
        "payload": {
            "ids": [provider],
            "chat_id": "60123456789@s.whatsapp.net",
            "from": "60123456789@s.whatsapp.net",
            "receipt_type": "read",
            "timestamp": now,
        },
    }
    stop = {
        "event": "message",
        "device_id": "60199999999@s.whatsapp.net",
        "payload": {
            "id": "3EB0AA",
            "chat_id": "60123456789@s.whatsapp.net",
            "from": "60123456789@s.whatsapp.net",
            "is_from_me": False,
            "body": "STOP",
            "timestamp": now,
        },
    }
    seen = []
    for _ in range(2):
        for event in (ack, stop):
            body = json.dumps(event).encode()
            answer = receiver.request(
                "POST", f"/webhooks/device/{device}", body, {"X-Hub-Signature-256": sign(body)}
            )
            assert answer.status == 200
        result = plant.row("select * from drip.process_inbound()")
        assert (result["read"], result["dead"]) == (2, 0)
        seen.append(
            (
                states(plant, message),
                states(plant, later),
                plant.value("select count(*) from drip.inbound_messages"),
                plant.rows("select s.phone, s.category from drip.suppressions s"),
            )
        )
    assert seen[0] == seen[1]
    first, pending, replies, suppressed = seen[0]
    assert first["delivered_at"] is not None
    assert first["read_at"] is not None
    assert first["replied_at"] is not None
    assert pending["status"] == "cancelled"
    assert replies == 1
    assert suppressed == [{"phone": "+60123456789", "category": "all"}]
