"""Receipts through the queue: shuffled, each three times, a tenth before their message's record."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

from .data import Connection, add_campaign, add_devices, add_leads, expand_all
from .place import Place

MESSAGES = 60_000
READ = 40_000  # of these; all are delivered, so that there are 100,000 receipts
TIMES = 3
DEVICES = 100


def receipts(place: Place) -> None:
    """store_webhooks and process_inbound for 300,000 webhooks; fails unless every message ends in
    its highest state and the overview counts each once."""
    place.database("bench_receipts")
    with place.connect("bench_receipts") as connection:
        devices = add_devices(connection, DEVICES, burst=1000)
        add_leads(connection, MESSAGES)
        add_campaign(connection, "campaign")
        expand_all(connection)
        connection.execute("vacuum analyze")
        phones, late = _send(connection)
        webhooks = [
            _ack(devices[number % DEVICES], number, phone, kind)
            for number, phone in enumerate(phones, 1)
            for kind in ("delivered", "read")[: 2 if number <= READ else 1]
            for _ in range(TIMES)
        ]
        random.Random(1).shuffle(webhooks)
        half = len(webhooks) // 2
        seconds = _run(connection, webhooks[:half])
        for chunk in _chunks(late, 1000):
            _record(connection, chunk)
        seconds += _run(connection, webhooks[half:])
        _check(connection)
    place.keep(
        "receipts",
        rate=len(webhooks) / seconds,
        unit="webhooks/s",
        seconds=seconds,
        note=f"{len(webhooks):,} shuffled, one process_inbound at a time; stored and processed",
    )


def _send(connection: Connection) -> tuple[list[str], list[tuple[int, int]]]:
    """Claim everything, record nine of ten; all phones, and (message, its number) of the rest."""
    phones: list[str] = []
    late: list[tuple[int, int]] = []
    while True:
        connection.execute("select drip.wake_devices('{}')")
        claimed = connection.execute(
            "select c.message_id, c.recipient_phone from drip.claim_messages('bench', 2000) c"
        ).fetchall()
        if not claimed:
            break
        now: list[tuple[int, int]] = []
        for message, phone in claimed:
            phones.append(phone)
            (late if len(phones) % 10 == 0 else now).append((message, len(phones)))
        _record(connection, now)
    if len(phones) != MESSAGES:
        raise RuntimeError(f"{len(phones)} of {MESSAGES} messages were claimed")
    return phones, late


def _record(connection: Connection, messages: list[tuple[int, int]]) -> None:
    results = [
        {
            "message_id": message,
            "attempt": 1,
            "outcome": "accepted",
            "provider_message_id": _id(number),
        }
        for message, number in messages
    ]
    connection.execute("select 1 from drip.record_results('bench', %s)", [json.dumps(results)])


def _id(number: int) -> str:
    return f"3EB0{number:016X}"


def _ack(device: int, number: int, phone: str, kind: str) -> tuple[int, str]:
    chat = f"{phone[1:]}@s.whatsapp.net"
    payload = {"ids": [_id(number)], "chat_id": chat, "from": chat, "receipt_type": kind}
    body = {"event": "message.ack", "device_id": "i", "payload": payload}
    return device, json.dumps(body)


def _run(connection: Connection, webhooks: list[tuple[int, str]]) -> float:
    """Store them and process until nothing is left; the seconds it took."""
    started = time.perf_counter()
    for chunk in _chunks(webhooks, 1000):
        connection.execute(
            "select drip.store_webhooks(%s, %s, %s)",
            [["device"] * len(chunk), [row[0] for row in chunk], [row[1] for row in chunk]],
        )
    while True:
        row = connection.execute("select * from drip.process_inbound()").fetchone()
        assert row is not None
        if row[0] == 0:
            return time.perf_counter() - started


def _chunks(rows: list[Any], size: int) -> Iterator[list[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _check(connection: Connection) -> None:
    row = connection.execute(
        "select messages_sent, delivered, read, (select count(*) from drip.dead_letters)"
        " from drip.campaign_overview"
    ).fetchone()
    found = tuple(row or ())
    if found != (MESSAGES, MESSAGES, READ, 0):
        raise RuntimeError(f"sent, delivered, read, dead are {found}")
