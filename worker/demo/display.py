"""What the demo shows: live progress while it runs, and the report at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..tables import cell, print_table

Connection = psycopg.Connection[DictRow]

PLAIN_EVERY = 5.0  # seconds between two lines where there is no terminal

_PROGRAMS = """
select
  s.sequence_name as name, s.enrolled as contacts, s.messages, s.messages_sent as sent,
  f.delivered, f.read, f.replied, s.messages_failed as failed, s.messages_unknown as unknown,
  s.messages_pending + s.messages_processing as open, s.status
from drip.sequence_overview s
join (
  select
    n.sequence_id, sum(n.delivered)::bigint as delivered, sum(n.read)::bigint as read,
    sum(n.replied)::bigint as replied
  from drip.sequence_funnel n
  group by n.sequence_id) f using (sequence_id)
union all
select
  c.title, c.audience_count, c.messages, c.messages_sent, c.delivered, c.read, c.replied,
  c.messages_failed, c.messages_unknown, c.messages_pending + c.messages_processing, c.status
from drip.campaign_overview c
"""
_DEVICES = """
select d.device_name, d.status, d.status_reason, d.sent_today, d.due, d.processing, d.state
from drip.device_overview d
order by d.device_id
"""
_NEWEST = """
select
  m.sent_at, m.device_name, m.recipient_phone,
  coalesce(m.content, m.caption, m.message_type) as text
from drip.message_log m
where m.sent_at is not null
order by m.sent_at desc, m.message_id desc
limit 6
"""
_UNREAD = "select q.queue_length as webhooks from pgmq.metrics('drip_inbound') q"
# What is still to come by itself; a held unknown, and what waits for it, is not.
_COMING = """
select count(*) as messages
from drip.message_outlook o
where o.reason is distinct from 'predecessor_unknown'
  and o.reason is distinct from 'predecessor_pending'
  and coalesce(o.earliest <= drip.now() + %s * interval '1 second', true)
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the demo's database at one moment."""

    programs: Sequence[DictRow]
    devices: Sequence[DictRow]
    newest: Sequence[DictRow]
    unread: int
    coming: bool

    @classmethod
    def take(cls, connection: Connection, horizon: float) -> Snapshot:
        """Read the views.

        ``unread``: webhooks that are not processed yet; ``coming``: something leaves within
        ``horizon`` seconds.
        """
        programs = connection.execute(_PROGRAMS).fetchall()
        is_open = sum(row["open"] for row in programs)
        coming = any(row["status"] in ("pending", "triggered") for row in programs)
        # The outlook judges every pending message: ask for it only near the end.
        if not coming:
            coming = is_open > 200
        if not coming and is_open:
            row = connection.execute(_COMING, [horizon]).fetchone()
            coming = bool(row and row["messages"])
        return cls(
            programs,
            connection.execute(_DEVICES).fetchall(),
            connection.execute(_NEWEST).fetchall(),
            connection.execute(_UNREAD).fetchall()[0]["webhooks"],
            coming,
        )

    def total(self, column: str) -> int:
        """The sum of a column over all programs."""
        return sum(row[column] for row in self.programs)

    @property
    def finished(self) -> int:
        """Messages that are neither pending nor with a worker."""
        return self.total("messages") - self.total("open")


class WhatCame:
    """What the demo hears as an application does: by the events it has subscribed to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.replies: list[dict[str, Any]] = []
        # Phone -> when the demo first saw that it has opted out.
        self.stopped: dict[str, datetime] = {}
        for pattern in ("lead.replied", "lead.opted_out"):
            connection.execute("select drip.subscribe('demo', %s)", [pattern])

    @property
    def count(self) -> int:
        """How many events there were."""
        return len(self.replies) + len(self.stopped)

    def read(self, now: datetime) -> None:
        """Take the events that are there."""
        rows = self._connection.execute(
            "select e.ack_id, e.type, e.body -> 'data' as data from drip.read_events('demo', 500) e"
        ).fetchall()
        for row in rows:
            if row["type"] == "lead.replied":
                self.replies.append(row["data"])
            else:
                self.stopped.setdefault(row["data"]["phone"], now)
        if rows:
            self._connection.execute(
                "select drip.ack_events('demo', %s)", [[row["ack_id"] for row in rows]]
            )


class Display:
    """Live tables on a terminal, a plain line every five seconds elsewhere."""

    def __init__(self, console: Console, gateway_url: str) -> None:
        self._console = console
        self._gateway_url = gateway_url
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, elapsed: float, sentence: str) -> None:
        """Say what just happened; it stays above the live tables."""
        self._console.print(f"[yellow]{elapsed:3.0f} s  {escape(sentence)}[/]")

    def show(self, elapsed: float, snapshot: Snapshot, came: WhatCame) -> None:
        """Show the state."""
        if self._live is not None:
            self._live.update(self._tables(elapsed, snapshot, came))
        elif elapsed >= self._next_line:
            self._next_line = elapsed + PLAIN_EVERY
            self._console.print(_line(elapsed, snapshot, came), soft_wrap=True)

    def _tables(self, elapsed: float, snapshot: Snapshot, came: WhatCame) -> Group:
        rate = snapshot.total("sent") / max(elapsed, 0.1)
        head = Text.assemble(
            (f"{elapsed:3.0f} s  ", "bold"),
            f"{snapshot.total('sent'):,} sent, {rate:.0f} a second – {_came_back(snapshot, came)}",
            " – gateway ",
            (self._gateway_url, "cyan"),
        )
        programs = Table(box=None, pad_edge=False)
        for heading in (
            *("", "contacts", "sent", "", "delivered", "read", "replied", "failed", "unknown"),
        ):
            programs.add_column(heading, justify="left" if heading == "" else "right")
        for row in snapshot.programs:
            planned = row["messages"]
            bar = ProgressBar(total=max(planned, 1), completed=planned - row["open"], width=20)
            programs.add_row(
                row["name"],
                cell(row["contacts"]),
                f"{row['sent']:,} of {planned:,}",
                bar,
                Text(f"{row['delivered']:,}", "green"),
                Text(f"{row['read']:,}", "cyan"),
                Text(f"{row['replied']:,}", "bold"),
                Text(str(row["failed"] or ""), "red"),
                Text(str(row["unknown"] or ""), "yellow"),
            )
        devices = Table(box=None, pad_edge=False)
        for heading in ("device", "status", "sent", "due", ""):
            devices.add_column(heading, justify="right" if heading in ("sent", "due") else "left")
        for row in snapshot.devices:
            devices.add_row(
                row["device_name"],
                cell(row["status"]),
                cell(row["sent_today"]),
                cell(row["due"]),
                Text(row["status_reason"] or row["state"] or "", "dim"),
            )
        newest = Table(box=None, pad_edge=False, show_header=False)
        newest.add_column(no_wrap=True, min_width=13)
        newest.add_column(no_wrap=True, min_width=13)
        newest.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for row in snapshot.newest:
            newest.add_row(f"{row['device_name']} →", row["recipient_phone"], cell(row["text"]))
        for reply in came.replies[:-5:-1]:
            color = "red" if reply["opt_out_category"] else "green"
            newest.add_row(
                f"{reply['device_name']} ←", str(reply["phone"]), Text(str(reply["text"]), color)
            )
        return Group(head, "", programs, "", devices, "", newest)


def _came_back(snapshot: Snapshot, came: WhatCame) -> str:
    return (
        f"{snapshot.total('delivered'):,} delivered, {snapshot.total('read'):,} read, "
        f"{snapshot.total('replied'):,} replied, {len(came.stopped):,} opted out"
    )


def _line(elapsed: float, snapshot: Snapshot, came: WhatCame) -> str:
    programs = ", ".join(
        f"{row['name']} {row['sent']:,}/{row['messages']:,}" for row in snapshot.programs
    )
    troubled = [
        f"{row['device_name']} {row['status']}"
        for row in snapshot.devices
        if row["status"] != "online"
    ]
    trouble = f" – {', '.join(troubled)}" if troubled else ""
    return escape(
        f"{elapsed:3.0f} s  {snapshot.total('sent'):,} sent ({programs}), "
        f"{_came_back(snapshot, came)}{trouble}"
    )


_MONITOR = """
select
  p.sequence_name, p.contact_phone, p.current_step, p.step_status, p.message_status, p.sent_at,
  p.error_message, p.current_state
from drip.sequence_progress_monitor p
where p.lead_id in (
  (select m.lead_id
   from drip.sequence_progress_monitor m
   where m.message_status = 'sent' and m.step_status = 'completed'
   group by m.lead_id
   order by count(*) desc, m.lead_id
   limit 1)
  union all
  (select m.lead_id
   from drip.sequence_progress_monitor m
   where m.message_status = 'failed'
   order by m.lead_id
   limit 1)
  union all
  (select m.lead_id
   from drip.sequence_progress_monitor m
   where m.message_status = 'unknown'
   order by m.lead_id
   limit 1))
order by p.contact_phone, p.enrolled_at, p.current_step
"""
_FUNNEL = """
select
  f.sequence_name, f.step, f.step_name, f.messages, f.messages_sent, f.delivered, f.read,
  f.replied, f.messages_failed, f.messages_unknown, f.messages_cancelled, f.messages_pending
from drip.sequence_funnel f
order by f.sequence_id, f.step
"""
_CAMPAIGNS = """
select
  c.title, c.status, c.audience_count, c.messages_sent, c.delivered, c.read, c.replied,
  c.messages_failed, c.messages_unknown, c.messages_pending, c.last_sent_at
from drip.campaign_overview c
"""
_DEVICE_REPORT = """
select d.device_name, d.status, d.sent_today, d.pending, d.last_seen, d.state
from drip.device_overview d
order by d.device_id
"""
_TROUBLES = """
select
  m.status, m.status_reason as reason, m.error_code, min(m.sentence) as sentence,
  count(*) as messages
from drip.message_log m
where m.status in ('failed', 'unknown', 'expired', 'skipped', 'cancelled')
group by 1, 2, 3
order by messages desc
"""
_WAITING = """
select o.reason, min(o.sentence) as sentence, count(*) as messages, min(o.earliest) as earliest
from drip.message_outlook o
group by o.reason
order by messages desc
"""


def _effect(opt_out: str | None) -> str:
    if opt_out is None:
        return "ends open journeys"
    return f"opted out of {'everything' if opt_out == 'all' else opt_out}"


def print_report(connection: Connection, came: WhatCame, console: Console) -> None:
    """Print what happened."""
    console.rule("What happened")
    print_table(
        console,
        "sequence_progress_monitor: somebody who went all the way, and those it went wrong for",
        connection.execute(_MONITOR).fetchall(),
        {
            "sequence_name": "sequence",
            "contact_phone": "phone",
            "current_step": "step",
            "step_status": "enrollment",
            "message_status": "message",
            "sent_at": "sent",
            "current_state": "state",
        },
    )
    print_table(
        console,
        "sequence_funnel",
        connection.execute(_FUNNEL).fetchall(),
        {
            "sequence_name": "sequence",
            "step": "step",
            "step_name": "name",
            "messages": "planned",
            "messages_sent": "sent",
            "delivered": "delivered",
            "read": "read",
            "replied": "replied",
            "messages_failed": "failed",
            "messages_unknown": "unknown",
            "messages_cancelled": "cancelled",
            "messages_pending": "pending",
        },
    )
    print_table(
        console,
        "campaign_overview",
        connection.execute(_CAMPAIGNS).fetchall(),
        {
            "title": "campaign",
            "status": "status",
            "audience_count": "audience",
            "messages_sent": "sent",
            "delivered": "delivered",
            "read": "read",
            "replied": "replied",
            "messages_failed": "failed",
            "messages_unknown": "unknown",
            "messages_pending": "pending",
            "last_sent_at": "last sent",
        },
    )
    print_table(
        console,
        "device_overview",
        connection.execute(_DEVICE_REPORT).fetchall(),
        {
            "device_name": "device",
            "status": "status",
            "sent_today": "sent today",
            "pending": "pending",
            "last_seen": "last seen",
            "state": "state",
        },
    )
    print_table(
        console,
        "What was not sent, and why",
        connection.execute(_TROUBLES).fetchall(),
        {
            "status": "status",
            "error_code": "gateway's code",
            "sentence": "why",
            "messages": "messages",
        },
    )
    print_table(
        console,
        "What still waits, and for what",
        connection.execute(_WAITING).fetchall(),
        {"reason": "reason", "sentence": "why", "messages": "messages", "earliest": "earliest"},
    )
    replies = came.replies
    print_table(
        console,
        f"Replies: {len(replies)}, the last ones",
        [{**reply, "effect": _effect(reply["opt_out_category"])} for reply in replies[-8:]],
        {
            "phone": "phone",
            "device_name": "to",
            "text": "text",
            "effect": "effect",
        },
    )
