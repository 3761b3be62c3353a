"""Asks every sender how its devices are, and reports it to the database."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import psycopg
import structlog

from .database import Database, is_of_server
from .logs import MOST, Seldom
from .senders import SENDERS, create_sender
from .senders.base import Sender
from .settings import Settings

log = structlog.get_logger("pgdrip.devices")

AT_ONCE = 50  # devices asked at the same time
# Runs in the half minute in which the database hands each device out once: this spreads them.
RUNS = 6


_refused = Seldom(most=MOST)


async def check_devices(
    database: Database,
    session: aiohttp.ClientSession,
    settings: Settings,
    *,
    parts: int = 1,
) -> int:
    """Report the health of the devices whose turn it is; returns how many were asked.

    At most one in ``parts`` of all devices; the database hands each device to one worker.
    A platform without a sender is left alone: another worker may know it.
    """
    devices = await database.call("list_devices_to_check", list(SENDERS), parts)
    senders: dict[str, Sender] = {}
    places = asyncio.Semaphore(AT_ONCE)

    async def check(device: dict[str, Any]) -> None:
        async with places:
            health = await senders[device["platform"]].health(
                device["endpoint"],
                device["instance"],
                device["secret_name"],
                device_id=device["device_id"],
            )
            try:
                await database.call(
                    "report_device",
                    str(device["device_id"]),
                    health.status.value,
                    health.reason,
                    health.quality,
                )
            except psycopg.Error as exc:
                if is_of_server(exc):
                    raise
                # It is this device's alone, and the next run asks it again.
                if _refused.passes():
                    log.error(
                        "a device's report was refused",
                        device_id=device["device_id"],
                        code=exc.sqlstate or type(exc).__name__,
                        others=_refused.take(),
                    )

    for platform in {device["platform"] for device in devices}:
        senders[platform] = create_sender(platform, session, settings)
    try:
        async with asyncio.TaskGroup() as group:
            for device in devices:
                group.create_task(check(device))
    except* Exception as group_error:
        # One sentence for the job's log instead of a group of twenty alike.
        raise group_error.exceptions[0] from None
    finally:
        for sender in senders.values():
            await sender.close()
    return len(devices)
