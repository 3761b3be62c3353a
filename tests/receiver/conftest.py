"""Addresses that webhooks are sent to, and the queue that they end in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factory import Connection, Plant
from psycopg.types.json import Jsonb


@pytest.fixture
def device(plant: Plant) -> str:
    """The path of a GOWA device whose webhooks are signed with SECRET."""
    number = plant.device(webhook_secret_name="hook")
    return f"/webhooks/device/{number}"


@pytest.fixture
def account(plant: Plant) -> str:
    """The path of a Cloud API account whose webhooks are signed with SECRET."""
    number = plant.value(
        "select account_id from drip.upsert_account('portfolio', 'cloud_api', %s)",
        Jsonb({"webhook_secret_name": "hook", "verify_token_secret_name": "token"}),
    )
    return f"/webhooks/account/{number}"


@pytest.fixture
def queued(conn: Connection) -> Callable[[], list[dict[str, Any]]]:
    """What is in the queue, in its order."""

    def read() -> list[dict[str, Any]]:
        rows = conn.execute(
            "select q.message from pgmq.q_drip_inbound q order by q.msg_id"
        ).fetchall()
        return [row["message"] for row in rows]

    return read
