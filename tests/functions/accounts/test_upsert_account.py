"""upsert_account(): makes a sender account or patches it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

PATCH = "select * from drip.upsert_account('portfolio', p_settings => %s)"


@pytest.fixture
def account(clock: Clock, plant: Plant) -> int:
    made = plant.row(
        "select * from drip.upsert_account(' portfolio ', 'Cloud_API', %s)",
        Jsonb({"reach_cap": 250, "webhook_secret_name": "app"}),
    )
    assert (made["name"], made["outcome"]) == ("portfolio", "created")
    return int(made["account_id"])


def stored(plant: Plant, account: int) -> dict[str, Any]:
    return plant.row("select * from drip.sender_accounts where id = %s", account)


def test_a_new_account_has_what_it_was_given(clock: Clock, plant: Plant, account: int) -> None:
    row = stored(plant, account)
    assert (row["user_id"], row["platform"], row["created_at"]) == (
        plant.user,
        "cloud_api",
        clock.now,
    )
    assert (row["reach_cap"], row["webhook_secret_name"]) == (250, "app")
    assert row["verify_token_secret_name"] is None
    assert row["status"] == "online"


def test_a_patch_changes_only_what_it_names(plant: Plant, account: int) -> None:
    before = stored(plant, account)
    row = plant.row(PATCH, Jsonb({"verify_token_secret_name": "verify"}))
    assert (row["account_id"], row["outcome"]) == (account, "updated")
    assert stored(plant, account) == before | {"verify_token_secret_name": "verify"}
    plant.row(PATCH, Jsonb({"reach_cap": None, "verify_token_secret_name": ""}))
    assert stored(plant, account) == before | {"reach_cap": None}


def test_a_repeat_changes_nothing(plant: Plant, account: int) -> None:
    assert plant.row(PATCH, Jsonb({"reach_cap": 250}))["outcome"] == "unchanged"
    assert plant.row(PATCH, Jsonb({}))["outcome"] == "unchanged"
    assert plant.value("select count(*) from drip.audit_log where action = 'upsert_account'") == 1


def test_devices_join_it_by_name_or_id_and_are_woken(
    conn: Connection, plant: Plant, account: int
) -> None:
    one = plant.device(platform="cloud_api", account="portfolio")
    two = plant.device(platform="cloud_api", account=str(account))
    assert plant.value("select count(*) from drip.sender_accounts") == 1
    conn.execute("listen drip_wake")
    plant.row(PATCH, Jsonb({"reach_cap": 1000}))
    [heard] = conn.notifies(timeout=5, stop_after=1)
    assert plant.woken(heard.payload) == [one, two]


@pytest.mark.parametrize(
    ("settings", "code", "word"),
    [
        ({"reach_cap": 0}, "DR004", "reach_cap"),
        ({"reach_cap": "many"}, "DR004", "reach_cap"),
        ({"reach": 1}, "DR003", "reach"),
        ({"status": "online"}, "DR003", "status"),
        ([], "DR001", "object"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    conn: Connection, plant: Plant, account: int, settings: Any, code: str, word: str
) -> None:
    before = stored(plant, account)
    got, sentence, _ = refusal(conn, PATCH, Jsonb(settings))
    assert got == code
    assert word in sentence
    assert stored(plant, account) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("null", "DR001"), ("'new'", "DR001"), ("'12', 'gowa'", "DR004"), ("'new', 'dove'", "DR004")],
)
def test_arguments_that_cannot_be_are_refused(
    conn: Connection, plant: Plant, arguments: str, code: str
) -> None:
    assert refusal(conn, f"select * from drip.upsert_account({arguments})")[0] == code
    assert plant.value("select count(*) from drip.sender_accounts") == 0


def test_two_tenants_have_accounts_of_their_own(plant: Plant, account: int) -> None:
    other = plant.other_tenant()
    with plant.acting_for(other):
        made = plant.row("select * from drip.upsert_account('portfolio', 'gowa')")
    assert made["outcome"] == "created"
    assert stored(plant, made["account_id"])["user_id"] == other
    assert stored(plant, account)["platform"] == "cloud_api"


def test_an_application_may_not(connect: Connect, plant: Plant) -> None:
    plant.assign("drip_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role="drip_app").execute("select * from drip.upsert_account('a', 'gowa')")
