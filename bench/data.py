"""What the benchmarks work on, made by public functions only."""

from __future__ import annotations

import json
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]


def add_devices(connection: Connection, count: int, **settings: object) -> list[int]:
    """Devices of the tenant `default`: 15 to a tenant changes nothing for the claim."""
    given = {"min_delay_seconds": 0, "max_delay_seconds": 0, **settings}
    endpoint = given.pop("endpoint", "http://127.0.0.1:9")
    rows = connection.execute(
        "select d.device_id from generate_series(1, %s) g"
        " cross join lateral drip.upsert_device('device ' || g, 'gowa', null, %s, 'i' || g,"
        "   null, %s::jsonb) d",
        [count, endpoint, json.dumps(given)],
    ).fetchall()
    return [row[0] for row in rows]


def add_leads(connection: Connection, count: int, niche: str = "bench", first: int = 0) -> None:
    """Leads with Malaysian mobile numbers, 10,000 a call."""
    for start in range(first, first + count, 10_000):
        connection.execute(
            "select count(*) from drip.import_leads((select jsonb_agg(jsonb_build_object("
            "  'phone', '+601' || (10000000 + g), 'name', 'Lead ' || g, 'niche', %s::text,"
            "  'attributes', jsonb_build_object('city', 'Ipoh')))"
            " from generate_series(%s::int, %s::int) g))",
            [niche, start, min(start + 10_000, first + count) - 1],
        )
    connection.execute("vacuum analyze drip.leads")


def add_campaign(connection: Connection, title: str, niche: str = "bench") -> None:
    """A campaign that is due at once."""
    connection.execute(
        "select campaign_id from drip.create_campaign(%s::jsonb)",
        [
            json.dumps(
                {
                    "title": title,
                    "message": "[[Hi|Hello|Salam]] {name}, news from {attributes.city|town}: "
                    "https://example.com/n?id=1",
                    "niche": niche,
                    "target_status": "all",
                }
            )
        ],
    )
    connection.execute("select 1 from drip.schedule_campaign(%s)", [title])


def expand_all(connection: Connection, chunk: int = 10_000) -> int:
    """Expand what is due, a transaction a chunk; the number of messages planned."""
    total = 0
    while True:
        row = connection.execute(
            "select coalesce(sum(inserted), 0), coalesce(max(remaining), 0)"
            " from drip.expand_campaigns(%s)",
            [chunk],
        ).fetchone()
        assert row is not None
        total += int(row[0])
        if not row[1]:
            return total


def add_sequence(connection: Connection, name: str, steps: int = 5) -> None:
    """An active sequence that leads enter by call only."""
    definition = {
        "name": name,
        "auto_enroll": "manual",
        "steps": [
            {"content": f"Step {number} for {{name}}: [[one|two]]", "trigger_delay_hours": 24}
            for number in range(1, steps + 1)
        ],
    }
    connection.execute(
        "select sequence_id from drip.create_sequence(%s::jsonb)", [json.dumps(definition)]
    )
    connection.execute("select 1 from drip.start_sequence(%s)", [name])
