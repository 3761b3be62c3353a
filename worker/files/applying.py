"""Brings the database to what files of definitions say, and shows the difference."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb, set_json_loads
from rich.console import Console
from rich.markup import escape

from ..errors import PgdripError, from_database
from .definitions import Definitions, write_yaml

Row = dict[str, Any]

# Rows that say whom a change concerns; all others say what it is.
_CONCERNED = {"matches", "audience", "waiting", "moves", "gains", "loses"}


def apply_definitions(
    connection: psycopg.Connection[Any], definitions: Definitions, *, dry_run: bool
) -> list[Row]:
    """The differences, applied in one statement or, by ``dry_run``, rolled back.

    Raises :class:`PgdripError` with file and line for what the database refuses.
    """
    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                "select * from drip.apply_definitions(%s, %s)",
                [Jsonb(definitions.as_object()), dry_run],
            ).fetchall()
    except psycopg.Error as exc:
        path = exc.diag.message_detail
        sentence = exc.diag.message_primary or ""
        place = definitions.find(path, sentence) if path else None
        if place is None:
            raise
        problem = from_database(exc)
        raise PgdripError(f"{place}: {sentence}.", hint=problem.hint, code=problem.code) from None


def export_definitions(connection: psycopg.Connection[Any], names: Sequence[str]) -> str:
    """The definitions of a tenant as YAML: all of them, or those named."""
    set_json_loads(lambda text: json.loads(text, parse_float=Decimal), connection)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select * from drip.export_definitions(%s::text[])", [list(names) or None]
        ).fetchall()
    return write_yaml(
        {
            f"{kind}s": [row["definition"] for row in rows if row["kind"] == kind]
            for kind in ("sequence", "campaign")
        }
    )


def differences(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """What differs, without whom it concerns: equal for a rehearsal and what came of it."""
    return [
        (
            *(row[name] for name in ("kind", "name", "change", "step", "step_name", "key")),
            json.dumps([row["value_before"], row["value_after"]], sort_keys=True),
        )
        for row in rows
        if row["change"] not in _CONCERNED and row["change"] != "unchanged"
    ]


def print_differences(console: Console, rows: Sequence[Row]) -> None:
    """Show each object that differs: its keys and steps, and whom that concerns."""
    for (kind, name), group in groupby(rows, key=lambda row: (row["kind"], row["name"])):
        lines = list(group)
        if lines[0]["change"] == "unchanged":
            continue
        console.print(f"[bold]{kind} {escape(name)}[/]", soft_wrap=True)
        for row in lines:
            for line in _told(row):
                console.print(f"  {line}", soft_wrap=True)


def _told(row: Row) -> list[str]:
    step = f"step {row['step']}"
    if row["step_name"]:
        step += f" {escape(row['step_name'])}"
    match row["change"]:
        case "created":
            return ["[green]+[/] new, a draft"]
        case "changed":
            return _values(escape(row["key"]), row)
        case "step_added":
            return [f"[green]+[/] {step}"]
        case "step_removed":
            return [f"[red]-[/] {step}"]
        case "step_shifted":
            return [f"[yellow]~[/] {step} was step {row['value_before']}"]
        case "step_changed":
            return _values(f"{step}: {escape(row['key'])}", row)
    messages = _number(row["messages"], "message")
    leads = _number(row["leads"], "contact")
    before, after = _time(row["at_before"]), _time(row["at_after"])
    whose = "" if row["step"] is None else f"{step} "  # a campaign has no steps
    match row["change"]:
        case "matches":
            return [f"matching now: {leads}"]
        case "audience":
            return [f"audience now: {leads}"]
        case "waiting":
            return [f"waiting: {messages} to {leads}, the first at {after}"]
        case "moves":
            times = f"from {before or 'never'} to {after or 'never'}"
            return [f"{whose}moves: {messages} to {leads}, the first {times}"]
        case "gains":
            return [f"{whose}comes: {messages} to {leads}, the first at {after}"]
        case "loses":
            return [f"{whose}goes: {messages} to {leads}, the first was due at {before}"]
        case other:
            return [escape(other)]


def _values(what: str, row: Row) -> list[str]:
    before, after = row["value_before"], row["value_after"]
    lines = [_lines(before), _lines(after)]
    if all(len(part) == 1 and len(part[0]) <= 50 for part in lines):
        return [f"[yellow]~[/] {what}: {escape(lines[0][0])} → {escape(lines[1][0])}"]
    changed = [line for line in difflib.ndiff(lines[0], lines[1]) if line.startswith(("+ ", "- "))]
    colours = {"+": "green", "-": "red"}
    return [f"[yellow]~[/] {what}:"] + [
        f"    [{colours[line[0]]}]{escape(line)}[/]" for line in changed
    ]


def _lines(value: Any) -> list[str]:
    if value is None:
        return ["none"]
    if isinstance(value, str):
        return value.splitlines() or ['""']
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=1).splitlines()
    return [json.dumps(value, ensure_ascii=False)]


def _number(count: int | None, what: str) -> str:
    return f"{count or 0:,} {what}{'' if count == 1 else 's'}"


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone().strftime("%d %b %Y %H:%M:%S")
