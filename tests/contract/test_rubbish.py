"""Whatever is pasted into a public function: a row that says what came of it, or our own error.

The functions are read from the catalog, so that a new one is covered unasked. Each argument gets
each value of its type once, while the others have values that make sense.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from factory import Connection, Plant
from psycopg.types.json import Jsonb

LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=12_000))
END_OF_CALENDAR = ["infinity", "-infinity", "4714-11-24 BC", "294276-12-31 23:00"]
STEP: dict[str, Any] = {"content": "Hi"}

STEPS: list[Any] = [1, {}, [None], [1], [[]], [{}]]
PROGRAMS: list[dict[str, Any]] = [
    {"priority": 99_999_999},
    {"priority": 1e300},
    {"device_id": -1},
    {"send_days": [None]},
    {"send_days": [99_999_999]},
    {"start_delay": "170000000 years"},
    {"reenroll_after": "-1 second"},
    {"exclusive_group": LONG},
    {"steps": [STEP | {"trigger_delay_hours": 1e300}]},
    {"steps": [STEP | {"min_delay_seconds": 99_999_999_999}]},
    {"steps": [STEP | {"valid_for": "170000000 years"}]},
    {"steps": [STEP | {"name": LONG}]},
]
CAMPAIGNS: list[dict[str, Any]] = [
    {"title": LONG},
    {"priority": 99_999_999},
    {"devices": [None]},
    {"devices": []},
    {"scheduled_at": "infinity"},
    {"scheduled_at": "9999999-01-01"},
    {"per_device_limit": -1},
    {"valid_for": "170000000 years"},
    {"template": 1},
]
DEFINITIONS: list[Any] = [
    *[None, 1, "x", [], {}, [None], [1], [[]], {"name": 1}, {"name": LONG}, {"name": "é😀"}],
    *[{"name": "A", "steps": steps} for steps in STEPS],
    *[{"name": "A"} | more for more in PROGRAMS],
    *[{"title": "A", "message": "Hi", "everyone": True} | more for more in CAMPAIGNS],
]
LEADS: list[Any] = [
    [{"phone": "+60111111111"} | more]
    for more in (
        {"phone": None},
        {"phone": ["a"]},
        {"attributes": 1},
        {"name": {"a": 1}},
        {"external_id": LONG},
        {"time_zone": "x"},
        {"device": "x"},
        {"zz": 1},
    )
]
RESULTS: list[Any] = [
    [{"message_id": 1, "attempt": 1, "outcome": "retry"} | more]
    for more in (
        {"message_id": "x"},
        {"message_id": 1e30},
        {"attempt": None},
        {"attempt": 99_999_999_999},
        {"outcome": "x"},
        {"scope": "x"},
        {"retry_after_seconds": 1e300},
        {"retry_after_seconds": "x"},
        {"error_code": {"a": 1}},
        {"provider_message_id": [1]},
    )
]
SETTINGS: list[Any] = [
    {"min_delay_seconds": "x"},
    {"min_delay_seconds": None},
    {"ramp": [None]},
    {"ramp": [[1]]},
    {"ramp_started_on": "infinity"},
    {"active_from": "25:00"},
    {"account": {}},
    {"account": LONG},
    {"unknown_hold": "170000000 years"},
    {"contact_gap": "infinity"},
    {"breaker_rate": "NaN"},
    {"time_zone": "x"},
]
JSON = [json.dumps(value) for value in [*DEFINITIONS, *LEADS, *RESULTS, *SETTINGS]]

RUBBISH: dict[str, list[Any]] = {
    "text": ["", " ", "abc", "-1", "9" * 30, LONG, "x" * 1_000_000, "é😀漢", "'; --", "%s\\", "²"],
    "bigint": [0, -1, 2**62],
    "integer": [0, -1, 2**31 - 1],
    "boolean": [True],
    "interval": ["0", "-1 day", "170000000 years"],
    "timestamp with time zone": END_OF_CALENDAR,
    "timestamp without time zone": END_OF_CALENDAR,
    "jsonb": JSON,
    "text[]": [[], [None], ["", "abc", LONG], ["+60123456789", None, "+60123456789"]],
    "bigint[]": [[], [None], [-1, -1, None]],
}

SENSE = {
    "p_sequence": "S",
    "p_campaign": "C",
    "p_phone": "+60123456789",
    "p_new_phone": "+60123456780",
    "p_device": "main",
    "p_role": "drip_app",
    "p_user": "default",
    "p_worker": "w",
    "p_limit": 5,
    "p_platform": "gowa",
    "p_status": "online",
    "p_content": "Hi",
    "p_name": "Ali",
}
BY_TYPE = {"text": "x", "bigint": 1, "integer": 1, "jsonb": "[]"} | {
    "bigint[]": [1],
    "text[]": ["+60123456789"],
}


def calls(conn: Connection) -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    """Function, type of each argument, and values of the arguments that are given."""
    for function in conn.execute("""
        select p.proname, coalesce(p.proargnames[1:p.pronargs], '{}') as names,
          array(
            select format_type(t.oid, null)
            from unnest(p.proargtypes) with ordinality as t (oid, place)
            order by t.place) as types,
          p.pronargs - p.pronargdefaults as required
        from pg_proc p
        where p.pronamespace = 'drip'::regnamespace
          and p.proname not like '\\_%'
          and p.prorettype <> 'trigger'::regtype
        order by p.proname
        """).fetchall():
        types = dict(zip(function["names"], function["types"], strict=True))
        sense = {
            name: SENSE.get(name, BY_TYPE.get(types[name]))
            for name in function["names"][: function["required"]]
        }
        yield function["proname"], types, sense
        for name, kind in types.items():
            for value in [None, *RUBBISH[kind]]:
                yield function["proname"], types, sense | {name: value}


@pytest.fixture
def grown(plant: Plant) -> Connection:
    """A database with one of each; every call is rolled back."""
    plant.device(name="main")
    plant.sequence({}, name="S")
    plant.lead(phone="+60123456789")
    plant.conn.execute(
        "select drip.create_campaign(%s)",
        [Jsonb({"title": "C", "message": "Hi", "everyone": True})],
    )
    plant.conn.autocommit = False
    return plant.conn


def test_no_argument_reaches_what_was_not_made_for_it(grown: Connection) -> None:
    wrong = []
    number = 0
    for name, types, values in calls(grown):
        number += 1
        arguments = ", ".join(f"{key} => %({key})s::{types[key]}" for key in values)
        try:
            # no column is read here: Python's calendar ends before the server's
            grown.execute(f"select from drip.{name}({arguments})".encode(), values)
            grown.execute("set constraints all immediate")
        except psycopg.Error as exc:
            diag = exc.diag
            short = all(
                text and len(text) <= 500 for text in (diag.message_primary, diag.message_hint)
            )
            if not (diag.sqlstate or "").startswith("DR") or not short:
                shown = {key: str(value)[:60] for key, value in values.items()}
                wrong.append((name, shown, diag.sqlstate, (diag.message_primary or "")[:80]))
        finally:
            grown.rollback()
    assert number > 1000
    assert wrong == []
