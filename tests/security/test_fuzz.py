"""Seeded rubbish for every public function, as each role that may call it.

Several arguments are odd at once, and large: our own error or a row, never the server's; nothing
half done after an error; never more than a second of processor time. A part runs in each session;
all of it with `--hypothesis-profile=thorough`.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

import psycopg
import pytest
from costs import processor_seconds, row_counts
from factory import Connection, Plant
from hypothesis import settings as profile
from psycopg import sql
from psycopg.types.json import Jsonb

SEED = 20_260_302
ROLES = ["drip_reader", "drip_app", "drip_worker", "drip_operator"]
# Calls in each session, and thoroughly.
FEW, MANY = 400, 8_000
# Of one call. On a machine that does nothing else the dearest take about a third.
MOST_SECONDS = 1.0

DEEP = "[" * 1_500 + "]" * 1_500
ODD_TEXTS = [
    *["", " ", "0", "-1", "1", "9" * 30, "null", "S", "C", "main", "default", "+60123456789"],
    *["x" * 300_000, "{}" * 100_000, "{name|" * 20_000, "[[a|" * 30_000, "]]" * 50_000],
    *["{attributes.a}" * 5_000, "{name}" * 20_000, "," * 100_000, "a," * 50_000, "%" * 1_000],
    *["e\u0301\u0301", "\u0301", "\u202e\u200d", "\ufeff", "\U0001f600" * 1_000, "ﬃ", "\x01\x02"],
    *["'; drop table x; --", "\\", "$1", "(" * 5_000, "+" * 1_000, "infinity", "NaN", "²"],
]
ODD_JSON = [
    *["null", "1", '"x"', "[]", "{}", "[null]", "[[]]", "[{}]", '{"": ""}', "1e300", "-0"],
    DEEP,
    '{"a":' * 1_500 + "1" + "}" * 1_500,
    json.dumps({"template": {"components": ["x" * 300_000]}}),
    json.dumps({"name": "A", "steps": [{"content": "{}" * 100_000}]}),
    json.dumps({"name": "A", "steps": [{"content": "Hi", "trigger_delay_hours": 87_600}] * 600}),
    json.dumps({"name": "A", "steps": [{"content": "Hi", "trigger_delay_hours": 87_600}] * 50}),
    json.dumps({"name": "A", "steps": [{"message_type": "template", "template": {"a": "b"}}]}),
    json.dumps({"title": "A", "message": "[[a|" * 20_000, "everyone": True}),
    json.dumps({"title": "A", "message": "Hi", "variants": [{}] * 1_000}),
    json.dumps([{"phone": f"+6012{n:07d}", "name": "x" * 300} for n in range(300)]),
    json.dumps([{"phone": "+60123456789", "attributes": {"a": "x" * 100_000}}]),
    '[{"phone": "+60123456789", "attributes": {"a": ' + DEEP + "}}]",
    json.dumps([{"message_id": 1, "attempt": 1, "outcome": "accepted"}] * 1_000),
    json.dumps([{"message_id": 1, "attempt": 1, "outcome": "retry", "error_code": "x" * 300_000}]),
    json.dumps({f"key{n}": n for n in range(2_000)}),
]
ODD_TIMES = [
    *["infinity", "-infinity", "4714-11-24 BC", "294276-12-31 23:00", "0001-01-01"],
    *["9999-12-31 23:59", "2030-01-01", "1970-01-01"],
]
ODD: dict[str, list[Any]] = {
    "text": ODD_TEXTS,
    "jsonb": ODD_JSON,
    "bigint": [0, 1, -1, 2**63 - 1, -(2**63)],
    "integer": [0, 1, -1, 2**31 - 1, -(2**31)],
    "boolean": [True, False],
    "interval": ["0", "-1 day", "178000000 years", "-178000000 years", "1 microsecond"],
    "timestamp with time zone": ODD_TIMES,
    "timestamp without time zone": ODD_TIMES,
    "text[]": [[], [None], ["x" * 300_000], ["+60123456789"] * 1_000, ["", "\u0301", None]],
    "bigint[]": [[], [None], [1], [-1, 2**63 - 1], list(range(5_000))],
}


def functions(conn: Connection, role: str) -> list[dict[str, Any]]:
    """The public functions that the role may call, with the types of their arguments."""
    rows: list[dict[str, Any]] = conn.execute(
        """
        select p.proname as name, coalesce(p.proargnames[1:p.pronargs], '{}') as names,
          array(
            select format_type(t.oid, null)
            from unnest(p.proargtypes) with ordinality as t (oid, place)
            order by t.place) as types,
          p.pronargs - p.pronargdefaults as required
        from pg_proc p
        where p.pronamespace = 'drip'::regnamespace
          and p.proname not like '\\_%%'
          and p.prorettype <> 'trigger'::regtype
          and has_function_privilege(%s, p.oid, 'execute')
        order by p.proname
        """,
        [role],
    ).fetchall()
    return rows


@pytest.fixture
def grown(plant: Plant) -> Plant:
    """One of each, so that odd arguments meet something."""
    plant.tenant(default_region="MY")
    plant.device(name="main")
    plant.sequence({}, {}, name="S")
    plant.lead("+60123456789")
    plant.row("select * from drip.enroll_lead('S', '+60123456789')")
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "C", "message": "Hi", "everyone": True}),
    )
    for role in ROLES:
        plant.conn.execute(
            "insert into drip.user_roles (role_name, user_id, created_at) values (%s, %s, now())"
            " on conflict do nothing",
            [role, plant.user],
        )
    return plant


@pytest.mark.parametrize("role", ROLES)
def test_no_rubbish_gets_anywhere(grown: Plant, role: str) -> None:
    conn = grown.conn
    chance = random.Random(f"{SEED} {role}")
    pid = grown.value("select pg_backend_pid()")
    callable_ones = functions(conn, role)
    before = row_counts(conn)
    wrong: list[Any] = []
    slow: list[Any] = []
    thorough = profile.get_current_profile_name() == "thorough"
    until = time.monotonic() + (600 if thorough else 7)
    for _ in range(MANY if thorough else FEW):
        if time.monotonic() > until:
            break
        function = chance.choice(callable_ones)
        types = dict(zip(function["names"], function["types"], strict=True))
        given = [
            name
            for place, name in enumerate(function["names"])
            if place < function["required"] or chance.random() < 0.5
        ]
        values = {name: chance.choice([None, *ODD[types[name]]]) for name in given}
        arguments = ", ".join(f"{name} => %({name})s::{types[name]}" for name in values)
        shown = {key: str(value)[:40] for key, value in values.items()}
        used = processor_seconds(pid)
        conn.execute("begin")
        try:
            conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            conn.execute("set local statement_timeout = '20s'")
            conn.execute(f"select from drip.{function['name']}({arguments})".encode(), values)
            conn.execute("set constraints all immediate")
        except psycopg.Error as exc:
            if not (exc.sqlstate or "").startswith("DR"):
                wrong.append((function["name"], shown, exc.sqlstate, str(exc)[:100]))
        finally:
            conn.execute("rollback")
        used = processor_seconds(pid) - used
        if used > MOST_SECONDS:
            slow.append((function["name"], shown, round(used, 1)))
    assert wrong == []
    assert slow == []
    assert row_counts(conn) == before
