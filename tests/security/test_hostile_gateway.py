"""A gateway that says what does harm stops nobody else's messages, and learns nothing into rows."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from urllib.parse import quote

import psycopg
import pytest
from factory import Plant
from hostile_gateway import ENDLESS, TRICKS, hostile_gateway
from psycopg.rows import DictRow
from worker_process import Wait, WorkerProcess

from pgdrip.senders.cleaning import safe_text
from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]
Start = Callable[..., WorkerProcess]

SECRET = "gate:s3cr3t/p+ss"
FORMS = {
    "s3cr3t/p+ss",
    base64.b64encode(SECRET.encode()).decode().rstrip("="),
    quote("s3cr3t/p+ss", safe=""),
}
HEALTHY = 60


def test_a_hostile_gateway_stops_nobody_else(
    conn: Connection, plant: Plant, gateway: SimulatorThread, start_worker: Start, wait: Wait
) -> None:
    tricks = [*TRICKS, *ENDLESS]
    with hostile_gateway() as hostile:
        for trick in tricks:
            device = plant.device(trick.replace(" ", "-"))
            plant.update(
                "user_devices", device, endpoint=hostile.url, instance=trick, secret_name="hostile"
            )
            plant.message(device)
        other = plant.other_tenant()
        healthy = plant.device("healthy", user=other, burst=5)
        plant.update("user_devices", healthy, endpoint=gateway.url, instance="healthy")
        for _ in range(HEALTHY):
            plant.message(healthy, user=other)

        worker = start_worker(PGDRIP_SECRET_HOSTILE=SECRET, PGDRIP_HTTP_TIMEOUT="46")

        def healthy_sent() -> bool:
            return (
                plant.value(
                    "select count(*) from drip.broadcast_messages where user_id = %s"
                    " and status = 'sent'",
                    other,
                )
                == HEALTHY
            )

        def hostile_ended() -> bool:
            return plant.value(
                "select count(*) from drip.broadcast_messages where user_id = %s"
                " and attempts > 0 and status <> 'processing'",
                plant.user,
            ) == len(tricks)

        wait(healthy_sent, 60)
        wait(hostile_ended, 120)
        assert set(hostile.played) == set(tricks)

    assert worker.process.poll() is None
    rows = plant.rows(
        "select d.instance, m.status, m.error_code, m.error_message, m.provider_message_id,"
        " m.status_reason from drip.broadcast_messages m"
        " join drip.user_devices d on d.id = m.device_id where m.user_id = %s",
        plant.user,
    )
    found = {row["instance"]: row for row in rows}
    for trick, row in found.items():
        # what concerns the device (a redirect, HTTP 4xx without a known code) leaves it waiting
        assert row["status"] in ("unknown", "failed", "pending"), trick
        assert row["provider_message_id"] is None, trick
        assert 0 < len(row["error_code"]) <= 64, trick
        assert 0 < len(row["error_message"]) <= 500, trick
        assert row["error_code"].isprintable(), trick
        assert row["error_message"].isprintable(), trick
    for trick in ("huge id", "id of just an index entry", "NUL in the id", "line break in the id",
                  "lone surrogate in the id"):  # fmt: skip
        assert (found[trick]["status"], found[trick]["error_code"]) == ("unknown", "BAD_ANSWER")
    assert "[secret]" in found["echo of the credentials"]["error_code"]
    told = plant.rows(
        "select to_jsonb(a)::text as told from drip.message_attempts a union all"
        " select to_jsonb(m)::text from drip.broadcast_messages m union all"
        " select to_jsonb(d)::text from drip.user_devices d"
    )
    everything = worker.log + "".join(row["told"] for row in told)
    for form in FORMS:
        assert form not in everything
    assert "Traceback" not in worker.log
    assert len(worker.log) < 50_000


@pytest.mark.parametrize("said", ["7", "7 ", "+", "(-"])
def test_a_text_that_looks_like_numbers_costs_no_more_than_any_other(said: str) -> None:
    # 64 kB, as much as is read of an answer; the worker's other requests wait meanwhile
    text = (said * 4_000)[:4_000] + "x" * 60_000
    began = time.process_time()
    for _ in range(5):
        assert len(safe_text(text)) <= 500
    assert time.process_time() - began < 0.25
