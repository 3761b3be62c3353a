"""Sweeps, ticks and jobs: what is done, and what a dead worker leaves behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow

from pgdrip.app import QUEUE, create_app
from pgdrip.database import Database
from pgdrip.senders.base import open_session
from pgdrip.settings import Settings
from pgdrip.sweeps import CHUNK, RESTS, Bell, run_tick, sweep

Connection = psycopg.Connection[DictRow]
States = Callable[[], dict[str, int]]


def with_database(settings: Settings, work: Callable[[Database], Awaitable[Any]]) -> Any:
    """Runs `work` with a pool of this test's database."""

    async def run() -> Any:
        assert settings.database_url is not None
        async with Database(settings.database_url) as database:
            return await work(database)

    return asyncio.run(run())


def test_a_tick_turns_a_lapsed_lease_into_unknown(
    settings: Settings, conn: Connection, add_device: Callable[..., int],
    send: Callable[[int], None], states: States,
) -> None:  # fmt: skip
    add_device()
    send(2)
    conn.execute("select drip.claim_messages('a dead worker', 1)")
    conn.execute(
        "update drip.broadcast_messages set lease_expires_at = now() where status = 'processing'"
    )
    with_database(settings, run_tick)
    assert states() == {"unknown": 1, "pending": 1}


def test_a_tick_clears_what_guards_have_left_dead(settings: Settings, conn: Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute(
            "insert into drip.bound_tenants (only_user) select 1 from generate_series(1, 8000)"
        )
    with_database(settings, run_tick)
    size = conn.execute("select pg_relation_size('drip.bound_tenants') as bytes").fetchone()
    assert size == {"bytes": 0}


def test_a_sweep_goes_on_until_nothing_remains(settings: Settings, conn: Connection) -> None:
    conn.execute(
        "create table chunks as select g from generate_series(1, 5) g;"
        "create function drip.do_a_chunk() returns table (remaining bigint) language sql as $$"
        "  delete from chunks where g = (select min(g) from chunks);"
        "  select count(*) from chunks $$"
    )
    assert with_database(settings, lambda database: sweep(database, "do_a_chunk")) == 5


def test_a_large_sweep_rests_and_runs_once_in_a_worker(settings: Settings) -> None:
    """After each chunk, by its length; what asks meanwhile makes it look once more."""
    calls: list[tuple[float, float]] = []
    begun_once = asyncio.Event()

    class Slow(Database):
        async def call(self, function: str, /, *args: Any, **named: Any) -> list[DictRow]:
            assert (function, args) == ("sweep_campaigns", (CHUNK,))
            begun = time.monotonic()
            begun_once.set()
            await asyncio.sleep(0.05)
            calls.append((begun, time.monotonic()))
            return [{"remaining": 3 - len(calls)}] if len(calls) < 3 else []

    async def scenario() -> tuple[int, int]:
        assert settings.database_url is not None
        async with Slow(settings.database_url) as database:
            first = asyncio.create_task(sweep(database, "sweep_campaigns"))
            await begun_once.wait()
            second = await sweep(database, "sweep_campaigns")
            return await first, second

    assert asyncio.run(scenario()) == (4, 0)
    for (begun, ended), (next_one, _) in pairwise(calls[:3]):
        assert next_one - ended >= 0.9 * RESTS * (ended - begun)


def test_a_ring_during_a_run_makes_another_run() -> None:
    runs: list[int] = []

    async def scenario() -> None:
        async def work() -> None:
            runs.append(len(runs))
            if len(runs) == 1:
                bell.ring()
            if len(runs) == 2:
                done.set()

        done = asyncio.Event()
        bell = Bell(work, 0.0)
        task = asyncio.create_task(bell.run())
        bell.ring()
        bell.ring()
        async with asyncio.timeout(5):
            await done.wait()
        task.cancel()

    asyncio.run(scenario())
    assert runs == [0, 1]


def test_a_failed_run_keeps_its_ring() -> None:
    tries: list[int] = []

    async def scenario() -> None:
        async def work() -> None:
            tries.append(len(tries))
            if len(tries) == 1:
                raise OSError("away")
            done.set()

        done = asyncio.Event()
        bell = Bell(work, 0.0)
        bell.ring()
        with pytest.raises(OSError, match="away"):
            await bell.run()
        task = asyncio.create_task(bell.run())
        async with asyncio.timeout(5):
            await done.wait()
        task.cancel()

    asyncio.run(scenario())
    assert tries == [0, 1]


@pytest.mark.lesson(16, story=True)
def test_a_job_of_a_killed_worker_is_cleared(settings: Settings, conn: Connection) -> None:
    def jobs() -> list[DictRow]:
        return conn.execute(
            "select j.task_name, j.status::text from procrastinate.procrastinate_jobs j"
        ).fetchall()

    async def scenario(database: Database) -> None:
        assert settings.database_url is not None
        async with open_session() as session:
            app = create_app(settings.database_url, database, session, settings)
            async with app.open_async():
                await app.tasks["tick"].defer_async(timestamp=0)
                worker = await app.job_manager.register_worker()
                job = await app.job_manager.fetch_job(queues=[QUEUE], worker_id=worker)
                assert job is not None
                conn.execute(
                    "update procrastinate.procrastinate_workers"
                    " set last_heartbeat = now() - interval '10 minutes'"
                )
                assert jobs() == [{"task_name": "tick", "status": "doing"}]
                # The tick that waits already holds the queueing lock: a retry would collide.
                await app.tasks["tick"].defer_async(timestamp=1)
                await app.tasks["clear_stalled_jobs"].func(0)

    with_database(settings, scenario)
    assert jobs() == [{"task_name": "tick", "status": "todo"}]


def test_a_slow_audience_has_its_own_time_and_no_more(settings: Settings, conn: Connection) -> None:
    """The worker's usual time-out is 30 seconds; here a second stands for them."""
    conn.execute(
        "create schema shop; grant usage on schema shop to drip_guard;"
        "create table shop.patience as select 0.0::float as seconds;"
        "grant select on shop.patience to drip_guard;"
        "create view shop.slow as select l.id as lead_id"
        " from shop.patience p, pg_sleep(p.seconds), drip.leads l;"
        "select drip.upsert_lead('+60123456789');"
        "select drip.register_audience('shop.slow', 5, '2 seconds');"
        "select drip.create_campaign("
        """'{"title": "S", "message": "m", "audience": "shop.slow"}');"""
        "select drip.schedule_campaign('S')"
    )
    body = conn.execute(
        "select pg_get_functiondef('drip.planning_time()'::regprocedure) as text"
    ).fetchone()
    assert body is not None
    conn.execute(body["text"].replace("30 seconds", "1 second").encode())

    def planned(seconds: float) -> tuple[str, str | None, int]:
        conn.execute("update shop.patience set seconds = %s", [seconds])
        conn.execute("update drip.campaigns set last_run_at = last_run_at - interval '1 hour'")
        with_database(settings, lambda database: sweep(database, "expand_campaigns"))
        row = conn.execute(
            "select c.status, c.last_error, count(m.id) as n from drip.campaigns c"
            " left join drip.broadcast_messages m on m.campaign_id = c.id group by c.id"
        ).fetchone()
        assert row is not None
        return row["status"], row["last_error"], row["n"]

    status, error, count = planned(30)
    assert (status, count) == ("pending", 0)
    assert error is not None
    assert "reading the audience took longer than the time-out of 00:00:03" in error
    assert planned(1.2) == ("triggered", None, 1)
