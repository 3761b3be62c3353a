"""What the demo shows: live progress while it runs, and the report at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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

from .tables import cell, print_table

Connection = psycopg.Connection[DictRow]

PLAIN_EVERY = 5.0  # seconds between two lines where there is no terminal

_PROGRAMS = """
select
  s.sequence_name as name, s.enrolled as contacts, s.messages, s.messages_sent as sent,
  s.messages_failed as failed, s.messages_unknown as unknown,
  s.messages_pending + s.messages_processing as open, s.status
from drip.sequence_overview s
union all
select
  c.title, c.audience_count, c.messages, c.messages_sent, c.messages_failed, c.messages_unknown,
  c.messages_pending + c.messages_processing, c.status
from drip.campaign_overview c
"""
_DEVICES = """
select d.device_name, d.status, d.status_reason, d.sent_today, d.due, d.processing, d.state
from drip.device_overview d
order by d.device_id
"""
_NEWEST = """
select m.sent_at, m.device_name, m.recipient_phone, coalesce(m.content, m.caption) as text
from drip.message_log m
where m.sent_at is not null
order by m.sent_at desc, m.message_id desc
limit 6
"""
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
    coming: bool

    @classmethod
    def take(cls, connection: Connection, horizon: float) -> Snapshot:
        """Read the views; ``coming``: something leaves within ``horizon`` seconds."""
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
            coming,
        )

    def total(self, column: str) -> int:
        """The sum of a column over all programs."""
        return sum(row[column] for row in self.programs)

    @property
    def finished(self) -> int:
        """Messages that are neither pending nor with a worker."""
        return self.total("messages") - self.total("open")


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

    def show(self, elapsed: float, snapshot: Snapshot) -> None:
        """Show the state."""
        if self._live is not None:
            self._live.update(self._tables(elapsed, snapshot))
        elif elapsed >= self._next_line:
            self._next_line = elapsed + PLAIN_EVERY
            self._console.print(_line(elapsed, snapshot), soft_wrap=True)

    def _tables(self, elapsed: float, snapshot: Snapshot) -> Group:
        rate = snapshot.total("sent") / max(elapsed, 0.1)
        head = Text.assemble(
            (f"{elapsed:3.0f} s  ", "bold"),
            f"{snapshot.total('sent'):,} sent, {rate:.0f} a second – gateway ",
            (self._gateway_url, "cyan"),
        )
        programs = Table(box=None, pad_edge=False)
        for heading in ("", "contacts", "messages", "", "failed", "unknown"):
            programs.add_column(heading, justify="left" if heading == "" else "right")
        for row in snapshot.programs:
            planned = row["messages"]
            bar = ProgressBar(total=max(planned, 1), completed=planned - row["open"], width=30)
            programs.add_row(
                row["name"],
                cell(row["contacts"]),
                f"{row['sent']:,} of {planned:,}",
                bar,
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
        newest.add_column(no_wrap=True)
        newest.add_column(no_wrap=True)
        newest.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for row in snapshot.newest:
            newest.add_row(row["device_name"], row["recipient_phone"], cell(row["text"]))
        return Group(head, "", programs, "", devices, "", newest)


def _line(elapsed: float, snapshot: Snapshot) -> str:
    programs = ", ".join(
        f"{row['name']} {row['sent']:,}/{row['messages']:,}" for row in snapshot.programs
    )
    troubled = [
        f"{row['device_name']} {row['status']}"
        for row in snapshot.devices
        if row["status"] != "online"
    ]
    trouble = f" – {', '.join(troubled)}" if troubled else ""
    return escape(f"{elapsed:3.0f} s  {snapshot.total('sent'):,} sent: {programs}{trouble}")


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
  f.sequence_name, f.step, f.step_name, f.message_type, f.messages, f.messages_sent,
  f.messages_failed, f.messages_unknown, f.messages_pending, f.sent_percent
from drip.sequence_funnel f
order by f.sequence_id, f.step
"""
_CAMPAIGNS = """
select
  c.title, c.status, c.audience_count, c.messages_sent, c.messages_failed, c.messages_unknown,
  c.messages_pending, c.first_sent_at, c.last_sent_at
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
_RETRIED = """
select count(*) as messages from drip.message_log m where m.status = 'sent' and m.attempts > 1
"""
_WAITING = """
select o.reason, min(o.sentence) as sentence, count(*) as messages, min(o.earliest) as earliest
from drip.message_outlook o
group by o.reason
order by messages desc
"""
_SENT = """
select m.status, m.provider_message_id
from drip.message_log m
where m.status in ('sent', 'unknown')
"""


def print_report(
    connection: Connection, received: Sequence[dict[str, Any]], console: Console
) -> bool:
    """Print what happened and compare the database with the gateway; True when they agree."""
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
            "message_type": "type",
            "messages": "planned",
            "messages_sent": "sent",
            "messages_failed": "failed",
            "messages_unknown": "unknown",
            "messages_pending": "pending",
            "sent_percent": "sent %",
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
            "messages_failed": "failed",
            "messages_unknown": "unknown",
            "messages_pending": "pending",
            "first_sent_at": "first",
            "last_sent_at": "last",
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
    return _print_check(connection, received, console)


def _print_check(
    connection: Connection, received: Sequence[dict[str, Any]], console: Console
) -> bool:
    rows = connection.execute(_SENT).fetchall()
    sent = Counter(row["provider_message_id"] for row in rows if row["status"] == "sent")
    unknown = sum(row["status"] == "unknown" for row in rows)
    retried = connection.execute(_RETRIED).fetchone()
    accepted = Counter(m["message_id"] for m in received if m["outcome"] == "accepted")
    # Two messages with the same text to the same phone would be one too many, whatever its answer.
    texts = Counter(
        (m["phone"], m["content"], m["caption"], m["media_url"]) for m in received if m["accepted"]
    )
    doubled = sum(count - 1 for count in texts.values())
    checks = (
        (
            accepted == sent,
            f"the gateway accepted {accepted.total():,} messages, the database says "
            f"{sent.total():,} sent; their ids {'agree' if accepted == sent else 'differ'}",
        ),
        (doubled == 0, f"{doubled} duplicates among {texts.total():,} messages WhatsApp has"),
        (
            texts.total() - accepted.total() <= unknown,
            f"{unknown} unknown: the gateway gave no answer, so it is not sent again by itself",
        ),
    )
    console.rule("Check")
    for holds, sentence in checks:
        console.print(f"{'[green]✔' if holds else '[bold red]✘'}[/] {escape(sentence)}")
    if retried is not None:
        console.print(f"  {retried['messages']:,} needed more than one attempt")
    return all(holds for holds, _ in checks)
