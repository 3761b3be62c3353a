"""Rows of most tables, made by the public verbs, where a whole database is moved."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.json import Jsonb


def fill(conn: psycopg.Connection[Any], tenant: str, prefix: str) -> None:
    """Rows of most views, by the public verbs."""
    conn.execute("select * from drip.create_user(%s, null, 'Asia/Kuala_Lumpur', 'MY')", [tenant])
    conn.execute("select set_config('drip.user', %s, false)", [tenant])
    conn.execute(
        "select * from drip.upsert_device(%s, 'gowa', %s, 'http://127.0.0.1:9', 'one', 'gowa')",
        [f"device {tenant}", f"{prefix}900"],
    )
    for number in range(1, 4):
        conn.execute(
            "select * from drip.upsert_lead(%s, %s, 'tea')",
            [f"{prefix}{number:03d}", f"lead {number} {tenant}"],
        )
    conn.execute(
        "select * from drip.create_sequence(%s)",
        [Jsonb({"name": f"sequence {tenant}", "trigger": "go", "steps": [{"content": "Hi"}]})],
    )
    conn.execute("select * from drip.start_sequence(%s)", [f"sequence {tenant}"])
    conn.execute("select * from drip.enroll_lead(%s, %s)", [f"sequence {tenant}", f"{prefix}001"])
    conn.execute(
        "select * from drip.create_campaign(%s)",
        [Jsonb({"title": f"campaign {tenant}", "everyone": True, "message": "News"})],
    )
    conn.execute("select * from drip.send_message(%s, 'One')", [f"{prefix}002"])
    conn.execute("select * from drip.opt_out(%s)", [f"{prefix}003"])
    conn.execute("select * from drip.subscribe(%s, '#')", [f"events_{tenant.lower()}"])
    conn.execute("select set_config('drip.user', '', false)")


def views_of(conn: psycopg.Connection[Any]) -> list[str]:
    return [
        str(name)
        for (name,) in conn.execute(
            "select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname = 'drip' and c.relkind = 'v' order by 1"
        )
    ]
