"""Locks on tables and views in use, got without making anybody else the victim of a deadlock.

Applications hold what we want and want what we hold, in any order. Postgres looks for a circle
once, when somebody has waited for `deadlock_timeout`. So each of our waits is shorter than that: a
circle that somebody else closes is gone before he looks. One that we close we are to find at once,
give everything back, and try again: most tries take milliseconds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

import psycopg

from .catalog import Connection
from .roles import is_superuser

LONGEST_WAIT = 0.7  # of deadlock_timeout
# Seconds after which we look for a circle. Only superusers may set it; others take a wait for a
# circle, a short one mostly.
LOOK_AFTER = 0.01
FIRST_WAIT = 0.05


def run_locking(
    conn: Connection, tables: Mapping[str, str], statements: Sequence[str], patience: float
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
    longest = LONGEST_WAIT * float(str(row[0] if row else 1))
    may_look = is_superuser(conn)
    allowed = longest if may_look else FIRST_WAIT
    order = sorted(tables)
    deadline = time.monotonic() + patience
    while True:
        started = time.monotonic()
        table: str | None = None
        try:
            with conn.transaction():
                _set(conn, "lock_timeout", min(allowed, max(deadline - started, 0.0)))
                if may_look:
                    _set(conn, "deadlock_timeout", LOOK_AFTER)
                for table in order:
                    conn.execute(f"lock table only {table} in {tables[table]} mode".encode())
                table = None
                for statement in statements:
                    conn.execute(statement.encode())
                _set(conn, "lock_timeout", patience)
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if time.monotonic() >= deadline:
                raise
        if table is not None:
            # Wanted by those who wait for what we had by then: next time it is the first.
            order.remove(table)
            order.insert(0, table)
        # Others work on for as long as they had to wait for us.
        pause = max(time.monotonic() - started, LOOK_AFTER) * random.uniform(1.0, 2.0)  # noqa: S311
        time.sleep(pause)
        if not may_look:
            allowed = 2 * allowed if 2 * allowed < longest else FIRST_WAIT


def _set(conn: Connection, name: str, seconds: float) -> None:
    value = f"{max(1, int(seconds * 1000))}ms"
    conn.execute("select set_config(%s, %s, true)", (name, value))
