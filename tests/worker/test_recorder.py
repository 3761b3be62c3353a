"""Recording: in batches, again after a loss, and one bad result holds no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
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
        async with asyncio.timeout(30):
            while recorder.count + recorder.refused < len(results):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        assert recorder.backlog == 0
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


def test_what_cannot_be_written_as_json_is_unknown_and_does_not_hold_the_others(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]],
) -> None:  # fmt: skip
    add_device()
    send(6)
    results = claim(conn, 6)
    results[1] |= {"outcome": "permanent", "scope": "recipient", "error_message": "a \0 b"}
    results[4] |= {"outcome": "permanent", "scope": "recipient", "error_code": "\ud800"}
    recorder = asyncio.run(record(dsn, results, before=lambda: None))
    assert (recorder.count, recorder.refused) == (4, 2)
    assert states() == {"sent": 4, "unknown": 2}


REFUSING = """
    alter function drip.record_results rename to kept;
    create function drip.record_results(p_worker text, p_results jsonb)
    returns table (message_id bigint, status text, applied boolean)
    language plpgsql as $$
    begin
      if p_results::text like '%id-bad%' or (p_results::text like '%RESULT_REFUSED%' and {always})
      then
        raise exception 'no "id-bad 60123456789"' using errcode = '{state}';
      end if;
      return query select r.* from drip.kept(p_worker, p_results) r;
    end
    $$
"""


@pytest.mark.parametrize("state", ["54000", "54001", "22001", "XX000"])
def test_a_limit_of_the_server_is_no_lost_connection(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]], state: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pgdrip.recorder.PATIENCE", 0.5)
    add_device()
    send(8)
    results = claim(conn, 8)
    results[5]["provider_message_id"] = "id-bad"
    conn.execute(REFUSING.format(state=state, always="false").encode())
    recorder = asyncio.run(record(dsn, results, before=lambda: None))
    assert (recorder.count, recorder.refused) == (7, 1)
    assert states() == {"sent": 7, "unknown": 1}


def test_what_is_refused_even_as_unknown_is_dropped_with_one_line(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    add_device()
    send(12)
    results = claim(conn, 12)
    for result in results[3:]:
        result["provider_message_id"] = "id-bad"
    conn.execute(REFUSING.format(state="54000", always="true").encode())
    recorder = asyncio.run(record(dsn, results, before=lambda: None))
    assert (recorder.count, recorder.refused) == (3, 9)
    assert states() == {"sent": 3, "processing": 9}
    said = capsys.readouterr()
    assert (said.out + said.err).count("refused") == 1
    assert "60123456789" not in said.out + said.err
