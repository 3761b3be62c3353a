"""Rows of a view as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

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


def table_of(title: str, rows: Sequence[Row], columns: Mapping[str, str]) -> Table:
    """A table of the named columns (column -> heading); numbers stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name, heading in columns.items():
        values = [row[name] for row in rows]
        is_number = any(isinstance(value, int | float | Decimal) for value in values)
        table.add_column(
            heading, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number
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
        return Text(value.astimezone().strftime("%d %b %H:%M:%S"))
    if isinstance(value, timedelta):
        return Text(str(value).split(".")[0])
    text = " ".join(str(value).split())
    return Text(text if len(text) <= 160 else f"{text[:159]}…", style=_COLOURS.get(text, ""))
