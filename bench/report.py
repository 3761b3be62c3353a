"""Writes what was measured as JSON and as one readable table."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from .place import Place

FOLDER = Path(__file__).parent
# Of results that are no ratio to L, in this order.
FIGURES = (
    *("rate", "p50", "p99", "usually", "claim", "times"),
    *("database", "worker", "total", "seconds"),
)


def write(place: Place) -> None:
    """Merge this run's parts into results.json and make RESULTS.md of it."""
    file = FOLDER / "results.json"
    stored: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    setting = _setting(place)
    for name, values in place.results.items():
        stored[name] = {**values, **setting}
    file.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")
    (FOLDER / "RESULTS.md").write_text(_table(stored))


def _setting(place: Place) -> dict[str, str]:
    with place.connect("postgres") as connection:

        def show(name: str) -> str:
            row = connection.execute(f"show {name}").fetchone()  # type: ignore[call-overload]
            return str(row[0]) if row else ""

        return {
            "date": datetime.now(UTC).date().isoformat(),
            "postgres": show("server_version"),
            "fsync": show("fsync"),
            "synchronous_commit": show("synchronous_commit"),
            "python": platform.python_version(),
            "machine": f"{os.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB",
        }


def _table(stored: dict[str, Any]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`. L is the yardstick: rows per second of an update of 100 rows by key",
        "in a table of a million, 4 clients, in the same run on the same server. Rates drift by",
        "factors between runs on shared machines; the ratios hold. Medians of the rounds.",
        "",
        "| part | measured | L | ratio to L | aim | date, versions, durability, machine |",
        "|---|---|---|---|---|---|",
    ]
    for name, values in sorted(stored.items()):
        if "yardstick" in values:
            measured = f"{values['rate']:,.0f} {values['unit']}"
            length, ratio = f"{values['yardstick']:,.0f}", f"{values['ratio']:.3f}"
            aim = f"≥ {values['aim']:.2f}" if values.get("aim") else ""
        else:
            shown = {key: values[key] for key in FIGURES if key in values}
            measured = ", ".join(
                f"{key} {value:,.2f}" if value < 100 else f"{key} {value:,.0f}"
                for key, value in shown.items()
            )
            measured += f" ({values['unit']})"
            length, ratio, aim = "", "", str(values.get("aim", ""))
        if "times the cost without" in values:
            aim = f"≤ 1.2 × the cost without: {values['times the cost without']:.2f} ×"
        notes = f"; {values['note']}" if values.get("note") else ""
        lines.append(
            f"| {name}{notes} | {measured} | {length} | {ratio} | {aim} | {values['date']},"
            f" PostgreSQL {values['postgres']}, fsync {values['fsync']}, synchronous_commit"
            f" {values['synchronous_commit']}, {values['machine']} |"
        )
    return "\n".join([*lines, ""])
