"""Recording: in batches, again after a loss, and one bad result holds no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import DictRow

from pgdrip.database import Database
from pgdrip.recorder import Recorder

Connection = psycopg.Connection[DictRow]


def claim(conn: Connection, count: int) -> list[dict[str, Any]]:
    """Results, all accepted, of messages that are claimed here."""
    rows = conn.execute(
        "select c.message_id, c.attempt from drip.claim_messages('test worker', %s) c", [count]
    ).fetchall()
    assert len(rows) == count
    return [
        {**row, "outcome": "accepted", "provider_message_id": f"id-{row['message_id']}"}
        for row in rows
    ]


async def record(dsn: str, results: list[dict[str, Any]], before: Callable[[], None]) -> Recorder:
    """Record `results`; `before` runs when the recorder's connections are open."""
    async with Database(dsn, size=2) as database:
        await database.pool.wait()
        before()
        recorder = Recorder(database, "test worker", asyncio.Event())
        for result in results:
            recorder.put(result)
        task = asyncio.create_task(recorder.run())
        good = sum(result["outcome"] == "accepted" for result in results)
        async with asyncio.timeout(30):
            while recorder.count < good or recorder.backlog:  # noqa: ASYNC110 - the recorder has no event of its own
                await asyncio.sleep(0.02)
        assert recorder.refused == len(results) - recorder.count
        task.cancel()
    return recorder


def test_results_are_recorded(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]],
) -> None:  # fmt: skip
    add_device()
    send(5)
    asyncio.run(record(dsn, claim(conn, 5), before=lambda: None))
    assert states() == {"sent": 5}


def test_a_lost_connection_loses_no_result(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]],
) -> None:  # fmt: skip
    add_device()
    send(5)
    results = claim(conn, 5)

    def cut() -> None:
        conn.execute(
            "select pg_terminate_backend(a.pid, 5000) from pg_stat_activity a"
            " where a.datname = current_database() and a.application_name = 'pgdrip'"
        )

    asyncio.run(record(dsn, results, before=cut))
    assert states() == {"sent": 5}


def test_a_refused_result_is_unknown_and_does_not_hold_the_others(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]],
) -> None:  # fmt: skip
    add_device()
    send(5)
    results = claim(conn, 5)
    results[2]["outcome"] = "nonsense"
    recorder = asyncio.run(record(dsn, results, before=lambda: None))
    assert recorder.count == 4
    assert states() == {"sent": 4, "unknown": 1}
    row = conn.execute(
        "select m.error_code, m.error_message from drip.message_log m where m.status = 'unknown'"
    ).fetchone()
    assert row is not None
    assert row["error_code"] == "RESULT_REFUSED"
    assert "DR004" in row["error_message"]
