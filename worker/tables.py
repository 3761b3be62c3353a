"""Rows of a view as a table on the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]

_COLOURS = {
    "online": "green",
    "active": "green",
    "sent": "green",
    "completed": "green",
    "triggered": "cyan",
    "pending": "cyan",
    "offline": "yellow",
    "warning": "yellow",
    "unknown": "yellow",
    "needs_attention": "red",
    "failed": "red",
    "critical": "red",
    "error": "red",
}


def make_console(*, stderr: bool = False) -> Console:
    """A console; where the output goes to a file or a pipe, lines are wide enough for tables."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 140
    return console


def table_of(title: str, rows: Sequence[Row], columns: Mapping[str, str]) -> Table:
    """A table of the named columns (column -> heading); numbers stand to the right."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for name, heading in columns.items():
        values = [row[name] for row in rows]
        is_number = any(isinstance(value, int | float | Decimal) for value in values)
        is_long = any(isinstance(value, str) and len(value) > 30 for value in values)
        table.add_column(
            heading,
            justify="right" if is_number else "left",
            no_wrap=not is_long,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(cell(row[name]) for name in columns))
    return table


def print_table(
    console: Console, title: str, rows: Sequence[Row], columns: Mapping[str, str]
) -> None:
    """Print a table, or one line where there is nothing to show."""
    if rows:
        console.print(table_of(title, rows, columns))
    else:
        console.print(f"[bold]{title}[/] – none")


def cell(value: Any) -> Text:
    """One value as people read it: local times, thousands separated, nothing for null."""
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int):
        return Text(f"{value:,}")
    if isinstance(value, float | Decimal):
        return Text(f"{value:,.1f}")
    if isinstance(value, datetime):
        local = value.astimezone()
        is_today = local.date() == datetime.now().astimezone().date()
        return Text(local.strftime("%H:%M:%S" if is_today else "%d %b %Y %H:%M"))
    if isinstance(value, timedelta):
        return Text(str(value).split(".")[0])
    text = " ".join(str(value).split())
    return Text(text if len(text) <= 160 else f"{text[:159]}…", style=_COLOURS.get(text, ""))
