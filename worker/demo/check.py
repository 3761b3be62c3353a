"""The end of the demonstration: the gateway's books and the database's must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import DictRow
from rich.console import Console
from rich.markup import escape

Connection = psycopg.Connection[DictRow]

# What a worker had in its hands when the STOP was processed is on its way for so long, at most.
IN_FLIGHT = timedelta(seconds=2)

_MESSAGES = """
select
  m.message_id, m.status, m.provider_message_id, m.attempts,
  m.delivered_at is not null as delivered, m.read_at is not null as read
from drip.message_log m
where m.attempts > 0
"""


def print_check(
    connection: Connection,
    received: Sequence[dict[str, Any]],
    stats: Mapping[str, Any],
    stopped: Mapping[str, datetime],
    hidden: str | None,
    console: Console,
) -> bool:
    """Compare what the gateway received and announced with the database; True when they agree."""
    rows = connection.execute(_MESSAGES).fetchall()
    console.rule("Check")
    checks = [
        *check_sending(rows, received),
        *check_coming_back(rows, received, stats),
        check_stopping(received, stopped),
        check_hidden(hidden, stopped),
    ]
    for holds, sentence in checks:
        console.print(
            f"{'[green]✔' if holds else '[bold red]✘'}[/] {escape(sentence)}", soft_wrap=True
        )
    retried = sum(row["status"] == "sent" and row["attempts"] > 1 for row in rows)
    console.print(f"  {retried:,} needed more than one attempt")
    return all(holds for holds, _ in checks)


def check_sending(
    rows: Iterable[DictRow], received: Iterable[dict[str, Any]]
) -> list[tuple[bool, str]]:
    rows = list(rows)
    sent = Counter(row["provider_message_id"] for row in rows if row["status"] == "sent")
    unknown = sum(row["status"] == "unknown" for row in rows)
    taken = [message for message in received if message["accepted"]]
    answered = Counter(m["message_id"] for m in taken if m["outcome"] == "accepted")
    # A receipt settles what got no answer, where it names our own message.
    settled = Counter(
        m["message_id"] for m in taken if m["outcome"] != "accepted" and m["message_id"] in sent
    )
    failed = Counter(m["message_id"] for m in taken if m["failed_code"])
    agree = answered + settled - failed == sent
    # Two messages with the same text to the same phone would be one too many, whatever its answer.
    texts = Counter(
        (m["phone"], m["content"], m["caption"], m["media_url"], str(m["template"])) for m in taken
    )
    doubled = sum(count - 1 for count in texts.values())
    lost = sum(m["outcome"] != "accepted" for m in taken)
    return [
        (
            agree,
            f"the gateway accepted {answered.total() + settled.total():,} messages, "
            f"{failed.total():,} of which failed afterwards; the database says {sent.total():,} "
            f"sent; their ids {'agree' if agree else 'differ'}",
        ),
        (doubled == 0, f"{doubled} duplicates among {texts.total():,} messages WhatsApp has"),
        (
            lost - settled.total() <= unknown,
            f"{lost} answers were lost: {settled.total()} settled by a receipt, {unknown} unknown "
            "and not sent again by themselves",
        ),
    ]


def check_coming_back(
    rows: Iterable[DictRow], received: Iterable[dict[str, Any]], stats: Mapping[str, Any]
) -> list[tuple[bool, str]]:
    ours = {row["provider_message_id"]: row for row in rows if row["provider_message_id"]}
    known = [message for message in received if message["message_id"] in ours]
    announced = {
        "read": {m["message_id"] for m in known if m["read_at"]},
        "delivered": {m["message_id"] for m in known if m["delivered_at"] or m["read_at"]},
    }
    recorded = {
        "read": {key for key, row in ours.items() if row["read"]},
        "delivered": {key for key, row in ours.items() if row["delivered"] or row["read"]},
    }
    agree = announced == recorded
    webhooks = stats["webhooks"]
    lost = webhooks["waiting"] + webhooks["given_up"] + webhooks["dropped"]
    return [
        (
            agree,
            f"the gateway announced {len(announced['delivered']):,} delivered and "
            f"{len(announced['read']):,} read, the database says {len(recorded['delivered']):,} "
            f"and {len(recorded['read']):,}; their ids {'agree' if agree else 'differ'}",
        ),
        (
            not lost,
            f"{webhooks['taken']:,} signed webhooks taken by the receiver, "
            f"{webhooks['duplicates']:,} of them twice, {lost} lost",
        ),
    ]


def check_stopping(
    received: Iterable[dict[str, Any]], stopped: Mapping[str, datetime]
) -> tuple[bool, str]:
    late = sum(
        datetime.fromisoformat(message["received_at"]) > stopped[message["phone"]] + IN_FLIGHT
        for message in received
        if message["phone"] in stopped
    )
    return (
        not late,
        f"{len(stopped):,} contacts opted out; {late} messages went to them after it was processed",
    )


def check_hidden(hidden: str | None, stopped: Mapping[str, datetime]) -> tuple[bool, str]:
    """The contact whose webhook told no phone was known by the receipts of what it had got."""
    if hidden is None:
        return True, "no contact was there to say stop with a hidden phone"
    holds = hidden in stopped
    return (
        holds,
        f"a STOP whose webhook hides the phone was {'heard' if holds else 'not heard'}: {hidden}",
    )
