"""_apply_receipts(): what is said of a message is what it gets, and no more."""

from __future__ import annotations

import json

import pytest
from factory import Clock, Plant


@pytest.mark.parametrize("kind", ["delivered", "read"])
def test_a_delivered_message_is_not_read_by_that(clock: Clock, plant: Plant, kind: str) -> None:
    device = plant.device()
    message = plant.message(device)
    plant.answer(plant.claim()[0], "accepted", provider_message_id="3EB01")
    clock.advance(minutes=1)
    body = {
        "event": "message.ack",
        "device_id": "one",
        "payload": {"ids": ["3EB01"], "chat_id": "x", "receipt_type": kind},
    }
    plant.row("select drip.store_webhooks(%s, %s, %s)", ["device"], [device], [json.dumps(body)])
    assert plant.row("select * from drip.process_inbound()")["applied"] == 1
    row = plant.message_row(message)
    assert row["delivered_at"] == clock.now
    assert row["read_at"] == (clock.now if kind == "read" else None)
