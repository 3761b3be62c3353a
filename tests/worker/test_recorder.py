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
    returns table (message_id bigint, status text, applied boolean, reason text)
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


@pytest.mark.parametrize("state", ["54000", "54001", "22001", "P0001"])
def test_a_limit_of_the_server_is_no_lost_connection(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]], state: str,
) -> None:  # fmt: skip
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


# A trigger of somebody else's, which raises for one message, or for all, as long as there is a row
# in public.trouble; it counts how often.
TROUBLE = """
    create table public.trouble (message_id bigint);
    create sequence public.tries;
    create function public.raise_trouble() returns trigger language plpgsql as $$
    begin
      if exists (select from public.trouble t where coalesce(t.message_id, new.id) = new.id) then
        perform nextval('public.tries');
        raise exception 'not now' using errcode = '{state}';
      end if;
      return new;
    end
    $$;
    create trigger trouble before update on drip.broadcast_messages
      for each row execute function public.raise_trouble();
"""
# A lock, a deadlock, a conflict, a cancel, an object in use or in another state, an internal error,
# what is not supported, a name that a trigger has wrong.
PASSING = ["55P03", "40P01", "40001", "57014", "55006", "55000", "XX000", "0A000", "42703"]


async def record_in_trouble(
    dsn: str, conn: Connection, results: list[dict[str, Any]], recorded: int, tries: int
) -> tuple[bool, bool]:
    """Record until so many are, and the others were tried so often; then the trouble ends.

    Returns whether the recorder said that it fails, in trouble and after it.
    """
    async with Database(dsn, size=2) as database:
        await database.pool.wait()
        recorder = Recorder(database, "test worker", asyncio.Event())
        for result in results:
            recorder.put(result)
        task = asyncio.create_task(recorder.run())

        def tried() -> int:
            row = conn.execute("select last_value from public.tries").fetchone()
            assert row is not None
            return int(row["last_value"])

        async with asyncio.timeout(60):
            while recorder.count < recorded or tried() < tries:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
            assert (recorder.count, recorder.refused) == (recorded, 0)
            assert recorder.backlog == len(results) - recorded
            failing = recorder.failing
            conn.execute("delete from public.trouble")
            while recorder.count < len(results):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        assert (recorder.backlog, recorder.refused) == (0, 0)
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            while recorder.failing:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        task.cancel()
        return failing, recorder.failing


@pytest.mark.parametrize("state", PASSING)
def test_what_others_or_the_server_do_delays_a_result_and_never_drops_it(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]], state: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("pgdrip.recorder.FIRST_RETRY", 0.01)
    monkeypatch.setattr("pgdrip.recorder.LAST_RETRY", 0.02)
    monkeypatch.setattr("pgdrip.recorder.PATIENCE", 0.1)
    add_device()
    send(6)
    results = claim(conn, 6)
    conn.execute(TROUBLE.format(state=state).encode())
    conn.execute("insert into public.trouble values (%s)", [results[2]["message_id"]])
    asyncio.run(record_in_trouble(dsn, conn, results, recorded=5, tries=25))
    assert states() == {"sent": 6}
    said = capsys.readouterr()
    assert (said.out + said.err).count("cannot be recorded now") == 1


@pytest.mark.parametrize("state", ["55000", "XX000"])
def test_where_nothing_is_recorded_nothing_is_claimed_and_nothing_lost(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    states: Callable[[], dict[str, int]], state: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pgdrip.recorder.FIRST_RETRY", 0.01)
    monkeypatch.setattr("pgdrip.recorder.LAST_RETRY", 0.02)
    add_device()
    send(6)
    results = claim(conn, 6)
    conn.execute(TROUBLE.format(state=state).encode())
    conn.execute("insert into public.trouble values (null)")
    failing = asyncio.run(record_in_trouble(dsn, conn, results, recorded=0, tries=60))
    assert failing == (True, False)
    assert states() == {"sent": 6}


def test_one_that_is_never_recorded_does_not_stop_the_claims(
    dsn: str, conn: Connection, add_device: Callable[..., int], send: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pgdrip.recorder.FIRST_RETRY", 0.01)
    monkeypatch.setattr("pgdrip.recorder.LAST_RETRY", 0.02)
    monkeypatch.setattr("pgdrip.recorder.PATIENCE", 0.5)
    add_device()
    send(1)
    results = claim(conn, 1)
    conn.execute(TROUBLE.format(state="55000").encode())
    conn.execute("insert into public.trouble values (null)")

    async def watch() -> None:
        async with Database(dsn, size=2) as database:
            await database.pool.wait()
            recorder = Recorder(database, "test worker", asyncio.Event())
            recorder.put(results[0])
            task = asyncio.create_task(recorder.run())
            async with asyncio.timeout(30):
                while not recorder.failing:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
                while recorder.failing:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
            assert (recorder.backlog, recorder.count, recorder.refused) == (1, 0, 0)
            task.cancel()

    asyncio.run(watch())
