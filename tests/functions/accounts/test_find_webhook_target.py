"""find_webhook_target(): whose webhooks an address takes, and which secrets prove them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Connection, Plant
from psycopg.types.json import Jsonb

FIND = "select * from drip.find_webhook_target(%s, %s)"


def account(plant: Plant, name: str = "portfolio", **settings: Any) -> int:
    return int(
        plant.value(
            "select account_id from drip.upsert_account(%s, 'cloud_api', %s)", name, Jsonb(settings)
        )
    )


def test_a_device_has_its_own_secrets(plant: Plant) -> None:
    device = plant.device(webhook_secret_name="hook", verify_token_secret_name="token")
    assert plant.row(FIND, "device", device) == {
        "kind": "device",
        "id": device,
        "user_id": plant.user,
        "platform": "gowa",
        "webhook_secret_name": "hook",
        "verify_token_secret_name": "token",
        "status": "online",
    }


def test_an_account_has_its_own_secrets(plant: Plant) -> None:
    number = account(plant, webhook_secret_name="app", verify_token_secret_name="verify")
    row = plant.row(FIND, "account", number)
    assert (row["kind"], row["id"], row["platform"]) == ("account", number, "cloud_api")
    assert (row["webhook_secret_name"], row["verify_token_secret_name"]) == ("app", "verify")


def test_a_device_without_secrets_has_those_of_its_account(plant: Plant) -> None:
    account(plant, webhook_secret_name="app", verify_token_secret_name="verify")
    device = plant.device(platform="cloud_api", account="portfolio", webhook_secret_name=" ")
    row = plant.row(FIND, "device", device)
    assert (row["webhook_secret_name"], row["verify_token_secret_name"]) == ("app", "verify")
    other = plant.device(platform="cloud_api")
    assert plant.row(FIND, "device", other)["webhook_secret_name"] is None


def test_a_disabled_device_says_so(plant: Plant) -> None:
    device = plant.device(status="disabled")
    assert plant.row(FIND, "device", device)["status"] == "disabled"


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("device", 999),
        ("account", None),
        ("gadget", 1),
        (None, 1),
        ("device", -1),
        ("device", None),
    ],
)
def test_what_does_not_exist_is_no_row(plant: Plant, kind: str | None, number: int | None) -> None:
    plant.device()
    account(plant)
    assert plant.rows(FIND, kind, number) == []


def test_an_application_may_not_ask(conn: Connection) -> None:
    conn.execute("set role drip_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(FIND, ["device", 1])
