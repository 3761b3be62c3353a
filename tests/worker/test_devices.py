"""The check of devices asks the gateway and tells the database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from aiohttp import web
from psycopg.rows import DictRow

from pgdrip.database import Database
from pgdrip.devices import AT_ONCE, check_devices
from pgdrip.senders.base import open_session
from pgdrip.senders.gowa import GowaSender
from pgdrip.settings import Settings
from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GowaSender, "ask_again_after", 0)


def check(settings: Settings) -> int:
    """One check of all devices, half a minute after the last; how many were asked."""

    async def run() -> int:
        assert settings.database_url is not None
        with psycopg.connect(settings.database_url, autocommit=True) as owner:
            owner.execute("update drip.user_devices set asked_at = null")
        async with Database(settings.database_url) as database, open_session() as session:
            return await check_devices(database, session, settings)

    return asyncio.run(run())


def statuses(conn: Connection) -> dict[str, str]:
    rows = conn.execute("select d.device_name, d.status from drip.device_overview d").fetchall()
    return {row["device_name"]: row["status"] for row in rows}


def test_a_device_that_is_logged_out_and_in_again(
    settings: Settings, conn: Connection, gateway: SimulatorThread, add_device: Callable[..., int]
) -> None:
    add_device("one")
    add_device("two")
    assert check(settings) == 2
    assert statuses(conn) == {"one": "online", "two": "online"}
    gateway.set_device("two", is_logged_in=False)
    check(settings)
    assert statuses(conn) == {"one": "online", "two": "needs_attention"}
    gateway.set_device("two", is_logged_in=True)
    check(settings)
    assert statuses(conn) == {"one": "online", "two": "online"}


def test_a_gateway_that_is_away(
    settings: Settings, conn: Connection, add_device: Callable[..., int]
) -> None:
    add_device("one")
    conn.execute("select drip.upsert_device('one', p_endpoint => 'http://127.0.0.1:1')")
    check(settings)
    assert statuses(conn) == {"one": "offline"}


def test_a_platform_without_a_sender_is_left_alone(
    settings: Settings, conn: Connection, add_device: Callable[..., int]
) -> None:
    device = add_device("one", platform="whacenter")
    conn.execute("select drip.report_device(%s, 'offline', 'somebody else said so')", [str(device)])
    assert check(settings) == 0
    assert statuses(conn) == {"one": "offline"}


class Gateway:
    """Tells that every device is well; holds the answers until enough questions are open."""

    def __init__(self, hold_until: int = 1) -> None:
        self.asked: Counter[str] = Counter()
        self.open = self.most_open = 0
        self._hold_until = hold_until
        self._enough = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def _status(self, request: web.Request) -> web.Response:
        self.asked[request.match_info["device"]] += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        if self.open >= self._hold_until:
            self._enough.set()
        await asyncio.wait_for(self._enough.wait(), 20)
        self.open -= 1
        return web.json_response({"results": {"is_logged_in": True, "is_connected": True}})

    async def __aenter__(self) -> Gateway:
        app = web.Application()
        app.router.add_get("/devices/{device}/status", self._status)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()


def plant_devices(conn: Connection, url: str, count: int) -> None:
    conn.execute(
        "select d.* from generate_series(1, %s::integer) g, lateral drip.upsert_device("
        " p_name => 'd' || g, p_platform => 'gowa', p_endpoint => %s, p_instance => 'd' || g) d",
        [count, url],
    )


def test_questions_are_bounded(settings: Settings, conn: Connection) -> None:
    async def story() -> Gateway:
        async with (
            Gateway(hold_until=AT_ONCE) as gateway,
            Database(str(settings.database_url)) as database,
            open_session() as session,
        ):
            plant_devices(conn, gateway.url, AT_ONCE * 2 + 20)
            assert await check_devices(database, session, settings) == AT_ONCE * 2 + 20
            return gateway

    gateway = asyncio.run(story())
    assert gateway.most_open == AT_ONCE
    assert set(gateway.asked.values()) == {1}


def test_several_workers_ask_each_device_once(settings: Settings, conn: Connection) -> None:
    """The first questions are answered when all workers are asking."""

    async def story() -> tuple[Gateway, list[int]]:
        async with Gateway(hold_until=30) as gateway, open_session() as session:
            plant_devices(conn, gateway.url, 30)

            async def worker() -> int:
                async with Database(str(settings.database_url)) as database:
                    return await check_devices(database, session, settings, parts=2)

            return gateway, await asyncio.gather(*(worker() for _ in range(4)))

    gateway, counts = asyncio.run(story())
    assert sum(counts) == 30
    assert gateway.asked == {f"d{number}": 1 for number in range(1, 31)}
    seen = conn.execute("select d.last_seen from drip.device_overview d").fetchall()
    assert all(row["last_seen"] for row in seen)


def test_a_worker_asks_by_itself(
    start_worker: Callable[..., Any],
    conn: Connection,
    gateway: SimulatorThread,
    add_device: Callable[..., int],
    wait: Callable[..., None],
) -> None:
    add_device("one")
    gateway.set_device("one", is_logged_in=False)
    start_worker()
    wait(lambda: statuses(conn) == {"one": "needs_attention"})
