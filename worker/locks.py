"""Locks on tables and views in use, got without making anybody the victim of a deadlock.

Applications hold what we want and want what we hold, in any order. Postgres looks for a deadlock
when somebody has waited for `deadlock_timeout`. So all locks are got in one try that is shorter
than that, or given back at once: whoever then finds out for whom he waits never finds a circle.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from .catalog import Connection

FIRST_TRY = 0.1  # seconds; doubled with each try
LONGEST_TRY = 0.7  # of deadlock_timeout


@dataclass(frozen=True)
class Locking:
    """A statement; `waits` where it takes a lock that applications may hold."""

    statement: str
    waits: bool


def run_locking(
    conn: Connection, tables: Mapping[str, str], statements: Sequence[Locking], patience: float
) -> None:
    """Lock tables (name to mode) and run the statements, or raise LockNotAvailable.

    Tries for `patience` seconds. After it the transaction holds its locks and must wait for no
    others that applications take.
    """
    if not tables and not statements:
        return
    row = conn.execute(
        "select extract(epoch from current_setting('deadlock_timeout')::interval)::float8"
    ).fetchone()
    longest = LONGEST_TRY * float(str(row[0] if row else 1))
    order = sorted(tables)
    deadline = time.monotonic() + patience
    allowed = FIRST_TRY
    while True:
        started = time.monotonic()
        end = min(started + min(allowed, longest), deadline)
        table: str | None = None
        try:
            with conn.transaction():
                for table in order:
                    _bound_waits(conn, end)
                    conn.execute(f"lock table only {table} in {tables[table]} mode".encode())
                table = None
                for item in statements:
                    if item.waits:
                        _bound_waits(conn, end)
                    conn.execute(item.statement.encode())
                _bound_waits(conn, time.monotonic() + patience)
            return
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() >= deadline:
                raise
        if table is not None:
            # Wanted by those who wait for what we had by then: next time it is the first.
            order.remove(table)
            order.insert(0, table)
        # Others work on for as long as they had to wait for us.
        time.sleep((time.monotonic() - started) * random.uniform(1.0, 2.0))  # noqa: S311
        allowed *= 2


def _bound_waits(conn: Connection, end: float) -> None:
    left = max(1, int((end - time.monotonic()) * 1000))
    conn.execute("select set_config('lock_timeout', %s, true)", (f"{left}ms",))
