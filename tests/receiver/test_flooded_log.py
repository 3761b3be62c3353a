"""Strangers cause a few lines a minute, however much they send; what others need stays in sight."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from receiver_process import Receiver, gowa_body
from worker_process import Wait

MOST = 20
FLOOD = 3 * MOST


def lines(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(line) for line in receiver.log.splitlines()]


def test_refused_requests_do_not_fill_the_log(
    start_receiver: Callable[..., Receiver], device: str, wait: Wait
) -> None:
    receiver = start_receiver(PGDRIP_LOG_LEVEL="info")
    for number in range(FLOOD):
        assert receiver.request("POST", f"/webhooks/device/{9_000_000 + number}").status == 404
    assert receiver.post(device, gowa_body(), secret="wrong").status == 401
    wait(lambda: '"status": 401' in receiver.log)
    refused = Counter(
        line["status"] for line in lines(receiver) if line["event"] == "webhook refused"
    )
    assert refused == {404: MOST, 401: 1}


def test_what_is_no_http_does_not_fill_the_log(
    start_receiver: Callable[..., Receiver], device: str, wait: Wait
) -> None:
    receiver = start_receiver(PGDRIP_LOG_LEVEL="info")
    for _ in range(FLOOD):
        assert receiver.raw(b"\x16\x03\x01\x02\x00\x01\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert receiver.post(device, gowa_body(), secret="wrong").status == 401
    wait(lambda: '"status": 401' in receiver.log)
    invalid = [line for line in lines(receiver) if "Invalid HTTP" in line["event"]]
    assert len(invalid) == MOST
