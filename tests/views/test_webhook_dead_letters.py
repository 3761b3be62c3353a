"""webhook_dead_letters: what was taken in and had no effect, why, and how it is tried again."""

from __future__ import annotations

from typing import Any

from factory import Clock, Connect, Plant
from inbound import PHONE, Row, cloud_device, drain, process, wrote


def dead(plant: Plant) -> list[Row]:
    return plant.rows("select * from drip.webhook_dead_letters order by dead_letter_id")


def bury(plant: Plant, **columns: Any) -> int:
    """A dead letter as process_inbound leaves it."""
    defaults = {
        "user_id": plant.user,
        "kind": "device",
        "subject_id": 1,
        "received_at": plant.now(),
        "body": '{"secret": "words of a person"}',
        "error": "22P02: no",
        "tries": 5,
        "died_at": plant.now(),
    }
    return plant.insert("dead_letters", **(defaults | columns))


def test_a_number_nobody_knows_and_its_remedy(clock: Clock, plant: Plant) -> None:
    device = cloud_device(plant, "Shop")
    process(plant, wrote(device, "hello", number_id="4711471147114711"))
    [row] = dead(plant)
    assert row == row | {
        "user_id": plant.user,
        "kind": "device",
        "subject_id": device,
        "subject": "Shop",
        "received_at": clock.now,
        "error": "no device of the tenant has the instance 4711471147114711",
        "died_at": clock.now,
    }
    plant.update("user_devices", device, instance="4711471147114711")
    plant.conn.execute(row["remedy"])
    assert dead(plant) == []
    drain(plant)
    assert plant.value("select text from drip.replies") == "hello"


def test_an_account_is_named_as_well(clock: Clock, plant: Plant) -> None:
    account = plant.value("select account_id from drip.upsert_account('Portfolio', 'cloud_api')")
    bury(plant, kind="account", subject_id=account)
    [row] = dead(plant)
    assert (row["kind"], row["subject"], row["tries"]) == ("account", "Portfolio", 5)


def test_no_column_holds_the_body(clock: Clock, plant: Plant) -> None:
    bury(plant)
    assert "words" not in str(dead(plant))


def test_errors_repeat_no_phone(clock: Clock, plant: Plant, connect: Connect) -> None:
    bury(plant, error=f'22P02: invalid input syntax for type boolean: "{PHONE}"')
    bury(plant, error="no device of the tenant has the instance 106540352242922")
    plant.assign("drip_reader")
    rows = (
        connect(role="drip_reader")
        .execute("select error from drip.webhook_dead_letters order by dead_letter_id")
        .fetchall()
    )
    assert rows[0]["error"] == '22P02: invalid input syntax for type boolean: "+601*****789"'
    assert rows[1]["error"].endswith("106540352242922")
    assert PHONE in dead(plant)[0]["error"]


def test_what_belongs_to_nobody_is_for_operators(
    clock: Clock, plant: Plant, connect: Connect
) -> None:
    other = plant.other_tenant()
    bury(plant, user_id=None, subject_id=99)
    bury(plant, subject_id=1)
    bury(plant, user_id=other, subject_id=2)
    plant.assign("drip_app")
    query = "select subject_id, user_id from drip.webhook_dead_letters order by subject_id"
    operator = connect(role="drip_operator")
    assert [row["subject_id"] for row in operator.execute(query)] == [1, 2, 99]
    operator.execute("set drip.\"user\" = 'other'")
    assert [row["subject_id"] for row in operator.execute(query)] == [2]
    application = connect(role="drip_app")
    assert [row["subject_id"] for row in application.execute(query)] == [1]
    assert dead(plant)[0]["subject"] is None
