"""The audit log: every setting and status, by a verb or by hand, with who, old and new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

Row = dict[str, Any]
Log = Callable[..., list[Row]]

# What is watched, besides leads, of which edits by hand alone leave a line.
WATCHED = {
    "campaigns",
    "error_codes",
    "greetings",
    "sender_accounts",
    "sequence_steps",
    "sequences",
    "stop_words",
    "user_devices",
    "users",
}


@pytest.fixture
def log(plant: Plant, clock: Clock) -> Log:
    """What has been written since the last call, oldest first."""
    seen = 0

    def read(*columns: str) -> list[Row]:
        nonlocal seen
        rows = plant.rows("select * from drip.audit_log where id > %s order by id", seen)
        seen = plant.value("select coalesce(max(id), 0) from drip.audit_log")
        return [{name: row[name] for name in columns or row} for row in rows]

    return read


@pytest.fixture
def login(dsn: str, admin: psycopg.Connection[Any]) -> Iterator[Callable[..., Connection]]:
    """A session that has logged in as a role of its own, member of the named ones."""
    made: list[tuple[str, Connection]] = []

    def open_session(name: str, *groups: str) -> Connection:
        role = f"pgdrip_test_{os.getpid()}_{name}"
        admin.execute(f"create role {role} login".encode())
        for group in groups:
            admin.execute(f"grant {group} to {role}".encode())
        session = psycopg.connect(
            make_conninfo(dsn, user=role), autocommit=True, row_factory=dict_row
        )
        made.append((role, session))
        return session

    yield open_session
    for role, session in made:
        session.close()
        admin.execute(f"drop role {role}".encode())


def test_every_table_with_settings_is_watched(plant: Plant) -> None:
    with_settings = plant.rows(
        "select distinct c.relname::text as name from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'drip'::regnamespace"
        " and col_description(c.oid, a.attnum) like '[setting]%%'"
    )
    watched = plant.rows(
        "select c.relname::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid"
        " where t.tgname in ('audit_edits', 'audit_leads')"
    )
    assert {row["name"] for row in watched} == WATCHED | {"leads"}
    assert {row["name"] for row in with_settings} <= WATCHED | {"leads"}


def test_a_tenant_that_is_switched_off_by_hand(plant: Plant, login: Any, log: Log) -> None:
    siti = login("siti", "drip_operator")
    log()
    siti.execute("update drip.users set is_active = false, contact_cap = 3")
    (entry,) = log()
    assert entry["session_user_name"] == siti.info.user
    assert (entry["action"], entry["subject_kind"]) == ("edit_user", "user")
    assert (entry["user_id"], entry["subject_id"]) == (plant.user, plant.user)
    assert entry["details"] == {
        "changes": {
            "is_active": {"from": True, "to": False},
            "contact_cap": {"from": None, "to": 3},
        }
    }
    siti.execute("update drip.users set is_active = false")
    assert log() == []


def test_every_setting_of_every_table_leaves_a_line(plant: Plant, log: Log) -> None:
    """Read from the catalog: a column that somebody adds tomorrow is watched as well."""
    plant.device(account="shop")
    plant.campaign(niche="shoes")
    plant.sequence({})
    plant.insert("greetings", language="xx", from_hour=1, to_hour=2, text="Hi")
    columns = plant.rows(
        "select c.relname::text as table, a.attname::text as column, a.atttypid::regtype::text"
        " as type from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'drip'::regnamespace and c.relkind = 'r'"
        " and c.relname <> 'leads' and col_description(c.oid, a.attnum) like '[setting]%%'"
    )
    assert len(columns) > 70
    log()
    missed = []
    for column in columns:
        with plant.rolled_back():
            # a value that is another one, whatever triggers and checks think of it
            table = column["table"]
            for trigger in plant.rows(
                "select tgname::text as name from pg_trigger where tgrelid = %s::regclass"
                " and not tgisinternal and tgname not like 'audit%%'",
                f"drip.{table}",
            ):
                name = trigger["name"]
                plant.conn.execute(f"alter table drip.{table} disable trigger {name}".encode())
            for check in plant.rows(
                "select conname::text as name from pg_constraint where conrelid = %s::regclass"
                " and contype in ('c', 'f')",
                f"drip.{table}",
            ):
                name = check["name"]
                plant.conn.execute(f"alter table drip.{table} drop constraint {name}".encode())
            other = OTHER_VALUES[column["type"]]
            plant.conn.execute(
                f"update drip.{table} set {column['column']} ="
                f" case when {column['column']} is distinct from {other[0]} then {other[0]}"
                f" else {other[1]} end".encode()
            )
            rows = log("details")
            if not rows or not any(
                key.split(": ")[-1] == column["column"]
                for row in rows
                for key in row["details"]["changes"]
            ):
                missed.append(column)
    assert missed == []


OTHER_VALUES = {
    "text": ("'Q'", "'q'"),
    "text[]": ("'{Q}'::text[]", "'{}'::text[]"),
    "boolean": ("true", "false"),
    "integer": ("7", "8"),
    "bigint": ("7", "8"),
    "smallint": ("7", "8"),
    "numeric": ("7", "8"),
    "interval": ("interval '7 days'", "interval '8 days'"),
    "date": ("date '2026-01-07'", "date '2026-01-08'"),
    "time without time zone": ("time '07:00'", "time '08:00'"),
    "jsonb": ("'[7]'::jsonb", "'[8]'::jsonb"),
    "integer[]": ("'{7}'::integer[]", "'{8}'::integer[]"),
    "smallint[]": ("'{7}'::smallint[]", "'{5}'::smallint[]"),
    "bigint[]": ("'{7}'::bigint[]", "'{8}'::bigint[]"),
}


def test_a_verb_says_its_name_and_its_reason_in_the_same_line(plant: Plant, log: Log) -> None:
    device = plant.device("one")
    plant.campaign(title="Sale")
    log()
    plant.row("select * from drip.set_device_status('one', 'disabled', 'sold')")
    plant.row("select * from drip.pause_campaign('Sale', 'a typo')")
    plant.row("select * from drip.upsert_device('one', p_settings => '{\"daily_cap\": 5}')")
    status, pause, cap = log()
    assert (status["action"], status["subject_id"]) == ("set_device_status", device)
    assert status["reason"] == "sold"
    assert status["details"] == {"changes": {"status": {"from": "online", "to": "disabled"}}}
    assert (pause["action"], pause["reason"]) == ("pause_campaign", "a typo")
    assert pause["details"] == {"changes": {"status": {"from": "triggered", "to": "paused"}}}
    assert cap["action"] == "upsert_device"
    assert cap["details"]["changes"] == {"daily_cap": {"from": None, "to": 5}}


def test_an_edit_of_a_sequence_and_its_steps_is_one_line(plant: Plant, log: Log) -> None:
    sequence = plant.sequence({"content": "Old"}, name="Warm")
    log()
    plant.rows(
        "select * from drip.update_step('Warm', '1', %s)",
        Jsonb({"content": "New"}),
    )
    (entry,) = log()
    step = plant.value("select id from drip.sequence_steps")
    assert (entry["action"], entry["subject_id"]) == ("update_step", sequence)
    assert entry["details"]["changes"] == {f"step {step}: content": {"from": "Old", "to": "New"}}


def test_rules_as_rows(plant: Plant, login: Any, log: Log) -> None:
    siti = login("siti", "drip_operator")
    log()
    siti.execute("insert into drip.stop_words (word) values ('tolong henti')")
    siti.execute("update drip.error_codes set wait = '1 hour' where code = '131049'")
    siti.execute("update drip.greetings set text = 'Hello' where language = 'en' and from_hour = 0")
    siti.execute("delete from drip.stop_words where word = 'tolong henti'")
    added, code, greeting, removed = log()
    assert {row["session_user_name"] for row in (added, code, greeting, removed)} == {
        siti.info.user
    }
    assert added["action"] == "add_stop_word"
    assert added["details"]["row"]["word"] == "tolong henti"
    assert code["details"] == {
        "row": "cloud_api 131049",
        "changes": {"wait": {"from": "24:00:00", "to": "01:00:00"}},
    }
    assert greeting["details"]["changes"] == {"text": {"from": "Good morning", "to": "Hello"}}
    assert removed["action"] == "remove_stop_word"


def test_an_edit_of_a_key_is_told_as_old_and_new_key(plant: Plant, login: Any, log: Log) -> None:
    siti = login("siti", "drip_operator")
    siti.execute("insert into drip.stop_words (word) values ('one'), ('two')")
    word = plant.value("select id from drip.stop_words where word = 'one'")
    log()
    siti.execute("update drip.error_codes set code = 'new', wait = '1 hour' where code = '131049'")
    siti.execute("update drip.stop_words set word = 'three', user_id = %s where id = %s",
                 [plant.user, word])  # fmt: skip
    code, stop = log()
    assert (code["action"], code["details"]["row"]) == ("edit_error_code", "cloud_api 131049")
    assert code["details"]["changes"] == {
        "code": {"from": "131049", "to": "new"},
        "wait": {"from": "24:00:00", "to": "01:00:00"},
    }
    assert (stop["action"], stop["subject_id"], stop["user_id"]) == (
        "edit_stop_word",
        word,
        plant.user,
    )
    assert stop["details"]["changes"] == {
        "word": {"from": "one", "to": "three"},
        "user_id": {"from": None, "to": plant.user},
    }


def test_keys_that_change_places_are_told_as_such(plant: Plant, login: Any, log: Log) -> None:
    """By their keys alone old and new rows would be taken for each other."""
    siti = login("siti", "drip_operator")
    for code, wait in (("1", "1 hour"), ("2", "2 hours"), ("3", "3 hours")):
        siti.execute(
            "insert into drip.error_codes (platform, code, scope, action, meaning, wait)"
            " values ('other', %s, 'device', 'retry', 'x', %s)",
            [code, wait],
        )
    log()
    siti.execute(
        "update drip.error_codes set platform = 'another', code = (4 - code::integer)::text"
        " where platform = 'other'"
    )
    told = {row["details"]["row"]: row["details"]["changes"] for row in log()}
    moved = {"from": "other", "to": "another"}
    assert told == {
        "other 1": {"platform": moved, "code": {"from": "1", "to": "3"}},
        "other 2": {"platform": moved},
        "other 3": {"platform": moved, "code": {"from": "3", "to": "1"}},
    }


def test_leads_by_hand_are_counted_and_not_copied(plant: Plant, login: Any, log: Log) -> None:
    siti = login("siti", "drip_operator")
    leads = [plant.lead(name="Aminah") for _ in range(3)]
    log()
    siti.execute("update drip.leads set name = 'Fatimah', niche = 'shoes'")
    (entry,) = log()
    assert (entry["action"], entry["session_user_name"]) == ("edit_leads", siti.info.user)
    assert entry["details"] == {"leads": 3, "columns": ["name", "niche"], "ids": leads}
    siti.execute("select * from drip.upsert_lead('+60123456789', 'Aminah')")
    siti.execute("select * from drip.upsert_lead('+60123456789', 'Fatimah')")
    assert log() == []


def test_what_a_worker_does_is_the_systems(plant: Plant, login: Any, log: Log) -> None:
    plant.device("one")
    worker = login("sender", "drip_worker")
    log()
    report = "select * from drip.report_device('one', %s, %s)"
    worker.execute(report, ["needs_attention", "logged out"])
    (entry,) = log()
    assert (entry["session_user_name"], entry["action"]) == ("system", "report_device")
    assert entry["reason"] == "logged out"
    assert entry["details"]["changes"]["status"] == {"from": "online", "to": "needs_attention"}
    worker.execute(report, ["needs_attention", "logged out"])
    assert log() == []


def test_the_systems_acts_are_its_own_in_anybodys_session(
    plant: Plant, login: Any, log: Log
) -> None:
    plant.device("one")
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Sale", "message": "Hi", "everyone": True}),
    )
    siti = login("siti", "drip_operator")
    siti.execute("select * from drip.schedule_campaign('Sale', drip.now())")
    log()
    siti.execute("select * from drip.tick()")
    (entry,) = log()
    assert (entry["session_user_name"], entry["action"]) == ("system", "plan_campaign")
    assert entry["details"]["session"] == siti.info.user


def test_an_edit_by_hand_stays_a_persons_beside_the_systems(
    plant: Plant, login: Any, log: Log
) -> None:
    """In one transaction, of one object: nobody can hide behind the system."""
    plant.device("one")
    siti = login("siti", "drip_operator")
    log()
    with siti.transaction():
        siti.execute("update drip.user_devices set daily_cap = 1000000")
        siti.execute("select * from drip.report_device('one', 'offline', 'gone')")
    by_hand, by_system = log()
    assert by_hand["session_user_name"] == siti.info.user
    assert by_hand["details"]["changes"].keys() == {"daily_cap"}
    assert by_system["session_user_name"] == "system"
    assert by_system["details"]["changes"].keys() == {"status"}


def test_a_role_that_was_set_stands_beside_the_login(
    plant: Plant, login: Any, connect: Connect, log: Log
) -> None:
    siti = login("siti", "drip_operator")
    siti.execute("set role drip_operator")
    siti.execute("update drip.users set contact_cap = 9")
    entry = log()[-1]
    assert entry["session_user_name"] == siti.info.user
    assert entry["role_name"] == "drip_operator"


def test_a_bulk_edit_is_a_line_for_each_object(plant: Plant, log: Log) -> None:
    devices = [plant.device(f"d{n}") for n in range(20)]
    log()
    plant.conn.execute("update drip.user_devices set daily_cap = 10")
    assert [row["subject_id"] for row in log()] == devices
