"""How long it takes to say beforehand what a campaign of 500,000 will do."""

from __future__ import annotations

import json
import statistics
import time

from .data import Connection, add_devices, add_leads, expand_all
from .place import Place

LEADS = 500_000
AIM = 10.0


def preview(place: Place) -> None:
    """preview_campaign before and after the expansion, schedule_campaign, forecast_device."""
    place.database("bench_preview")
    with place.connect("bench_preview") as connection:
        devices = add_devices(connection, 15, min_delay_seconds=10, max_delay_seconds=30)
        add_leads(connection, LEADS)
        for title in ("first", "second"):
            connection.execute(
                "select drip.create_campaign(%s::jsonb)",
                [
                    json.dumps(
                        {
                            "title": title,
                            "message": "News for {name}",
                            "everyone": True,
                            "send_from": "09:00",
                            "send_to": "18:00",
                        }
                    )
                ],
            )
        _measure(place, connection, "preview_campaign; 500,000 leads, 15 devices", "first")
        seconds = _seconds(connection, "select * from drip.schedule_campaign('first')")
        place.keep("schedule_campaign; 500,000 leads", unit="s", seconds=round(seconds, 2))
        expand_all(connection)
        connection.execute("vacuum analyze drip.broadcast_messages")
        _measure(place, connection, "preview_campaign; behind 500,000 that wait", "second")
        rounds = [
            _seconds(connection, f"select * from drip.forecast_device('{device}')")
            for device in devices[: place.rounds]
        ]
        place.keep(
            "forecast_device; 33,000 that wait for it",
            unit="s",
            seconds=round(statistics.median(rounds), 2),
        )


def _measure(place: Place, connection: Connection, name: str, title: str) -> None:
    query = f"select * from drip.preview_campaign('{title}')"
    rounds = [_seconds(connection, query) for _ in range(place.rounds)]
    place.keep(name, unit="s", seconds=round(statistics.median(rounds), 2), aim=f"< {AIM:.0f} s")


def _seconds(connection: Connection, query: str) -> float:
    started = time.perf_counter()
    connection.execute(query.encode()).fetchall()
    return time.perf_counter() - started
