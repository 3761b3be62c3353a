"""upsert_device(): makes a device or patches it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

PATCH = "select * from drip.upsert_device('front', p_settings => %s)"


@pytest.fixture
def device(clock: Clock, plant: Plant) -> int:
    plant.tenant(default_region="MY")
    made = plant.row(
        "select * from drip.upsert_device('front', 'gowa', '012-345 6789', 'https://gate:3000/',"
        " 'one', 'gate', %s)",
        Jsonb({"min_delay_seconds": 2, "max_delay_seconds": 5, "account": "portfolio"}),
    )
    assert made["outcome"] == "created"
    return int(made["device_id"])


def test_a_new_device_has_what_it_was_given(clock: Clock, plant: Plant, device: int) -> None:
    row = plant.row("select * from drip.user_devices where id = %s", device)
    assert row["user_id"] == plant.user
    assert (row["name"], row["platform"], row["phone"]) == ("front", "gowa", "+60123456789")
    assert (row["endpoint"], row["instance"], row["secret_name"]) == (
        "https://gate:3000",
        "one",
        "gate",
    )
    assert (row["min_delay_seconds"], row["max_delay_seconds"], row["burst"]) == (2, 5, 1)
    assert (row["status"], row["status_since"]) == ("online", clock.now)
    account = plant.row("select * from drip.sender_accounts")
    assert (row["account_id"], account["name"]) == (account["id"], "portfolio")


def test_a_new_device_may_send_at_once(clock: Clock, plant: Plant, device: int) -> None:
    pacing = plant.row("select * from drip.device_pacing where device_id = %s", device)
    assert pacing["user_id"] == plant.user
    assert pacing["next_look_at"] == pacing["next_send_at"] == clock.now


def test_defaults_are_those_of_the_table(plant: Plant) -> None:
    made = plant.value("select device_id from drip.upsert_device('plain', 'gowa')")
    bare = plant.insert(
        "user_devices",
        user_id=plant.user,
        name="bare",
        platform="gowa",
        status_since=plant.now(),
        created_at=plant.now(),
    )
    columns = (
        "status, min_delay_seconds, max_delay_seconds, burst, in_pool, daily_cap, ramp,"
        " unknown_policy, failover_policy, account_id, endpoint"
    )
    query = f"select {columns} from drip.user_devices where id = %s"
    assert plant.row(query, made) == plant.row(query, bare)


def test_a_patch_changes_only_what_it_names(plant: Plant, device: int) -> None:
    before = plant.row("select * from drip.user_devices where id = %s", device)
    assert plant.row(PATCH, Jsonb({"burst": 4})) == {
        "device_id": device,
        "name": "front",
        "outcome": "updated",
    }
    after = plant.row("select * from drip.user_devices where id = %s", device)
    assert after == before | {"burst": 4}
    plant.row("select * from drip.upsert_device('front', p_instance => 'two', p_secret_name => '')")
    after = plant.row("select * from drip.user_devices where id = %s", device)
    assert after == before | {"burst": 4, "instance": "two", "secret_name": None}


def test_a_repeat_changes_nothing(plant: Plant, device: int) -> None:
    assert plant.row(PATCH, Jsonb({"min_delay_seconds": 2}))["outcome"] == "unchanged"
    assert plant.row("select * from drip.upsert_device('front', 'GOWA')")["outcome"] == "unchanged"
    assert plant.value("select count(*) from drip.audit_log where action = 'upsert_device'") == 1


def test_an_account_is_shared_by_name_and_may_be_left(plant: Plant, device: int) -> None:
    plant.row(
        "select * from drip.upsert_device('back', 'gowa', p_settings => %s)",
        Jsonb({"account": "portfolio"}),
    )
    assert plant.value("select count(distinct account_id) from drip.user_devices") == 1
    plant.row(PATCH, Jsonb({"account": None}))
    assert plant.value("select account_id from drip.user_devices where id = %s", device) is None


@pytest.mark.parametrize(
    ("settings", "code", "word"),
    [
        ({"min_delay_seconds": 50}, "DR014", "delays"),
        ({"min_delay_seconds": -1}, "DR014", "delays"),
        ({"min_delay": 1}, "DR003", "min_delay"),
        ({"status": "online"}, "DR003", "status"),
        ({"burst": 0}, "DR004", "burst"),
        ({"burst": None}, "DR004", "burst"),
        ({"burst": {"a": 1}}, "DR004", "burst"),
        ({"daily_cap": 0}, "DR004", "daily_cap"),
        ({"ramp": [10, 20]}, "DR004", "ramp"),
        ({"ramp": [10, -1], "ramp_started_on": "2026-01-01"}, "DR004", "ramp"),
        ({"ramp_started_on": "tomorrowish"}, "DR004", "ramp_started_on"),
        ({"active_from": "09:00"}, "DR004", "active_from"),
        ({"active_from": "09:00", "active_to": "09:00"}, "DR004", "active_from"),
        ({"unknown_policy": "pray"}, "DR004", "unknown_policy"),
        ({"failover_policy": "pray"}, "DR004", "failover_policy"),
        ({"account": "17"}, "DR012", "17"),
        ([], "DR001", "object"),
        (5, "DR001", "object"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    conn: Connection, plant: Plant, device: int, settings: Any, code: str, word: str
) -> None:
    before = plant.row("select * from drip.user_devices where id = %s", device)
    got, sentence, _ = refusal(conn, PATCH, Jsonb(settings))
    assert got == code
    assert word in sentence
    assert plant.row("select * from drip.user_devices where id = %s", device) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("null", "DR001"),
        ("'new'", "DR001"),
        ("'12', 'gowa'", "DR004"),
        ("'new', 'pigeon'", "DR004"),
        ("'new', 'gowa', 'not a phone'", "DR002"),
        ("'new', 'gowa', null, 'ftp://gate'", "DR004"),
        ("'new', 'gowa', null, 'gate:3000'", "DR004"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    conn: Connection, plant: Plant, arguments: str, code: str
) -> None:
    assert refusal(conn, f"select * from drip.upsert_device({arguments})")[0] == code
    assert plant.value("select count(*) from drip.user_devices") == 0


def test_two_tenants_need_a_name(conn: Connection, plant: Plant) -> None:
    other = plant.other_tenant()
    code, _, hint = refusal(conn, "select * from drip.upsert_device('front', 'gowa')")
    assert code == "DR010"
    assert "drip." in hint
    with plant.acting_for(other):
        device = plant.value("select device_id from drip.upsert_device('front', 'gowa')")
    assert plant.value("select user_id from drip.user_devices where id = %s", device) == other


def test_the_workers_are_told(conn: Connection, plant: Plant) -> None:
    conn.execute("listen drip_wake")
    device = plant.value("select device_id from drip.upsert_device('front', 'gowa')")
    heard = next(conn.notifies(timeout=30, stop_after=1))
    assert plant.woken(heard.payload) == [device]


def test_an_application_may_not(connect: Any, plant: Plant) -> None:
    plant.assign("drip_app")
    app = connect(role="drip_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("select * from drip.upsert_device('front', 'gowa')")
