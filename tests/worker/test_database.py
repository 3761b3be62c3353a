"""The worker's connections: how long a claim may take, and everything else."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from factory import Connect, Connection, Plant
from psycopg import sql

from pgdrip import database as module
from pgdrip import watchdog
from pgdrip.database import Database

TIMEOUT = sql.SQL("select current_setting('statement_timeout') as value")


def test_a_claim_has_less_time_than_the_rest(dsn: str) -> None:
    async def scenario() -> list[Any]:
        async with Database(dsn, size=2) as database:
            return [
                (await database.query(TIMEOUT, [], pool))[0]["value"]
                for pool in (database.pool, database._claims)
            ]

    assert asyncio.run(scenario()) == ["30s", "5s"]


def test_the_size_is_the_most_of_all_connections(dsn: str, conn: Connection) -> None:
    async def scenario() -> int:
        async with Database(dsn, size=3, application_name="counted") as database:
            await asyncio.gather(
                *(database.query(sql.SQL("select pg_sleep(0.2)"), []) for _ in range(6)),
                database.claim_messages("w", 1),
            )
            row = conn.execute(
                "select count(*) as n from pg_stat_activity where application_name = 'counted'"
                " and datname = current_database()"
            ).fetchone()
            assert row is not None
            return int(row["n"])

    assert asyncio.run(scenario()) <= 3


def test_after_a_claim_that_took_too_long_the_next_has_patience(
    dsn: str, plant: Plant, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a server with a cold cache would never get through one."""
    monkeypatch.setattr(module, "CLAIM_TIMEOUT", 0.3)
    message = plant.message(plant.device())
    holder = connect(autocommit=False)
    holder.execute("lock table drip.device_pacing")

    async def scenario() -> list[int]:
        async with Database(dsn) as database:
            with pytest.raises(psycopg.errors.QueryCanceled):
                await database.claim_messages("w", 1)
            claim = asyncio.create_task(database.claim_messages("w", 1))
            # longer than the first had, seen by the server's own clock
            waited = (
                "select from pg_stat_activity where wait_event_type = 'Lock'"
                " and now() - query_start > interval '1 second'"
            )
            while not plant.rows(waited):
                assert not claim.done()
                await asyncio.sleep(0.02)
            holder.rollback()
            return [row["message_id"] for row in await claim]

    assert asyncio.run(scenario()) == [message]


def test_a_statement_that_cannot_be_cancelled_loses_its_session(
    dsn: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no other session does: neither one of the same login nor one with the same words."""
    monkeypatch.setattr(watchdog, "GRACE", 0.1)
    mark = watchdog.new_mark()
    endless = sql.SQL(
        "do $$ begin loop begin perform pg_sleep(60);"
        " exception when query_canceled then null; end; end loop; end $$"
    )

    async def scenario() -> None:
        async with Database(dsn, size=3) as database:
            bystander = asyncio.create_task(
                database.query(sql.SQL("select 1 as one, pg_sleep(2)"), [], mark=None)
            )
            with pytest.raises(psycopg.errors.AdminShutdown):
                await database.query(mark + endless, None, mark=mark, seconds=0.2)
            assert (await bystander)[0]["one"] == 1

    asyncio.run(scenario())
    row = conn.execute(
        "select count(*) as n from pg_stat_activity"
        " where state = 'active' and wait_event = 'PgSleep'"
    ).fetchone()
    assert row is not None
    assert row["n"] == 0


def test_a_statement_in_its_time_is_left_alone(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the watchdog looks too early: the server's clock decides."""
    monkeypatch.setattr(watchdog, "GRACE", -0.9)
    mark = watchdog.new_mark()

    async def scenario() -> Any:
        async with Database(dsn, size=3) as database:
            return await database.query(
                mark + sql.SQL("select 1 as one, pg_sleep(0.5)"), [], mark=mark, seconds=1.0
            )

    assert asyncio.run(scenario())[0]["one"] == 1
