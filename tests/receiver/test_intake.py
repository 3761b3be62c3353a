"""The intake: many webhooks in one commit, and a bound on those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from factory import Connect, Connection

from pgdrip.receiver import intake as intake_module
from pgdrip.receiver.intake import BATCH, Intake, Unavailable, Unstorable

Queued = Callable[[], list[dict[str, Any]]]


def test_many_webhooks_share_a_commit(dsn: str, conn: Connection, queued: Queued) -> None:
    async def store() -> None:
        async with Intake(dsn) as intake:
            await asyncio.gather(*(intake.store("device", 1, "{}") for _ in range(3 * BATCH)))
            assert intake.stored == 3 * BATCH

    asyncio.run(store())
    assert len(queued()) == 3 * BATCH
    row = conn.execute(
        "select count(distinct q.xmin::text) as commits from pgmq.q_drip_inbound q"
    ).fetchone()
    assert row is not None
    assert row["commits"] <= 6


def test_long_bodies_make_small_batches(
    dsn: str, conn: Connection, queued: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "BATCH_CHARACTERS", 1000)

    async def store() -> None:
        async with Intake(dsn, lines=1) as intake:
            bodies = ["x" * 400, "y" * 400, "z" * 400, "w" * 5000]
            await asyncio.gather(*(intake.store("device", 1, body) for body in bodies))

    asyncio.run(store())
    rows = conn.execute(
        "select count(*) as webhooks from pgmq.q_drip_inbound q"
        " group by q.xmin::text order by min(q.msg_id)"
    ).fetchall()
    assert [row["webhooks"] for row in rows] == [2, 1, 1]


def test_too_many_that_wait_are_turned_away_at_once(
    dsn: str, connect: Connect, queued: Queued
) -> None:
    holder = connect(autocommit=False)
    holder.execute("lock table pgmq.q_drip_inbound in access exclusive mode")

    async def store() -> list[Any]:
        async with Intake(dsn, lines=1, most_waiting=5) as intake:
            first = asyncio.create_task(intake.store("device", 1, "{}"))
            while not intake.busy:  # noqa: ASYNC110 - the intake has no event for that
                await asyncio.sleep(0.01)
            others = [asyncio.create_task(intake.store("device", 1, "{}")) for _ in range(7)]
            done, _ = await asyncio.wait(others, timeout=0.1)
            assert len(done) == 2
            assert all(isinstance(task.exception(), Unavailable) for task in done)
            holder.rollback()
            return await asyncio.gather(first, *others, return_exceptions=True)

    results = asyncio.run(store())
    assert [type(result) for result in results].count(Unavailable) == 2
    assert len(queued()) == 6


def test_who_gave_up_waiting_is_not_stored(dsn: str, connect: Connect, queued: Queued) -> None:
    holder = connect(autocommit=False)
    holder.execute("lock table pgmq.q_drip_inbound in access exclusive mode")

    async def store() -> None:
        async with Intake(dsn, lines=1) as intake:
            first = asyncio.create_task(intake.store("device", 1, "{}"))
            while not intake.busy:  # noqa: ASYNC110 - the intake has no event for that
                await asyncio.sleep(0.01)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await intake.store("device", 2, "{}")
            holder.rollback()
            await first
            await intake.store("device", 3, "{}")

    asyncio.run(store())
    assert [row["id"] for row in queued()] == [1, 3]


def test_one_beyond_a_limit_of_the_server_holds_no_other(
    dsn: str, conn: Connection, queued: Queued
) -> None:
    conn.execute(
        """
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          if new.message ->> 'body' = 'too much' then
            raise exception 'index row size exceeds a limit' using errcode = '54000';
          end if;
          return new;
        end $$;
        create trigger refuse before insert on pgmq.q_drip_inbound
          for each row execute function public.refuse();
        """
    )

    async def store() -> list[Any]:
        async with Intake(dsn, lines=1) as intake:
            bodies = ["{}", "too much", "{}"]
            return await asyncio.gather(
                *(intake.store("device", 1, body) for body in bodies), return_exceptions=True
            )

    first, refused, last = asyncio.run(store())
    assert (first, type(refused), last) == (None, Unstorable, None)
    assert len(queued()) == 2


def test_leaving_stores_what_is_left(dsn: str, queued: Queued) -> None:
    async def store() -> list[Any]:
        async with Intake(dsn) as intake:
            tasks = [asyncio.create_task(intake.store("device", 1, "{}")) for _ in range(50)]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert asyncio.run(store()) == [None] * 50
    assert len(queued()) == 50


def test_a_commit_waits_for_the_disk_whatever_the_servers_default(
    dsn: str, conn: Connection, admin: Any
) -> None:
    async def ask() -> str:
        line = intake_module.Line(dsn, "pgdrip receiver")
        try:
            rows = await line.execute("select current_setting('synchronous_commit') as value")
        finally:
            await line.close()
        return str(rows[0]["value"])

    name = conn.info.dbname
    conn.execute(f"alter database {name} set synchronous_commit = off".encode())
    assert asyncio.run(ask()) == "on"
    conn.execute(f"alter database {name} set synchronous_commit = local".encode())
    assert asyncio.run(ask()) == "local"
