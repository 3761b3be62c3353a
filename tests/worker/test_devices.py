"""The check of devices asks the gateway and tells the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
from psycopg.rows import DictRow

from pgdrip.database import Database
from pgdrip.devices import check_devices
from pgdrip.senders.base import open_session
from pgdrip.settings import Settings
from pgdrip.simulator import SimulatorThread

Connection = psycopg.Connection[DictRow]


def check(settings: Settings) -> int:
    """One check of all devices; how many were asked."""

    async def run() -> int:
        assert settings.database_url is not None
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
    conn.execute("select drip.report_device(%s, 'offline', 'somebody else said so')", [device])
    assert check(settings) == 0
    assert statuses(conn) == {"one": "offline"}
