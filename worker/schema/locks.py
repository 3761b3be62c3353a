"""Locks on tables and views in use, got without making anybody else the victim of a deadlock.

Applications hold what we want and want what we hold, in any order. Postgres looks for a circle
once, when somebody has waited for `deadlock_timeout`, and ends whoever has. So a second session
watches ours while it waits: it finds a circle long before, and we give everything back and try
again. Where there is none, the one that we wait for is merely slow, and we may wait for him.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo

from .catalog import Connection

LONGEST_WAIT = 5.0  # seconds for one lock: so long do others wait behind us
LOOK_EVERY = 0.04  # seconds between two looks for a circle, at most a quarter of deadlock_timeout
SHORTEST_PAUSE = 0.01

# Whether one of those that a session waits for waits, in turn, for that session.
_IS_IN_CIRCLE = """
with recursive waiting as materialized (
  select l.pid, b.pid as blocker
  from (select distinct l.pid from pg_catalog.pg_locks as l where not l.granted) as l
  cross join lateral unnest(pg_catalog.pg_blocking_pids(l.pid)) as b (pid)
),
awaited (pid) as (
  select w.blocker from waiting as w where w.pid = %(pid)s
  union
  select w.blocker from awaited as a join waiting as w on w.pid = a.pid
)
select exists (select from awaited as a where a.pid = %(pid)s)
"""


def run_locking(
    conn: Connection, tables: Mapping[str, str], statements: Sequence[str], patience: float
) -> None:
    """Lock tables (name to mode) and run the statements, or raise LockNotAvailable.

    Tries for `patience` seconds. After it the transaction holds its locks and must wait for no
    others that applications take.
    """
    if not tables and not statements:
        return
    order = sorted(tables)
    deadline = time.monotonic() + patience
    with _Watch(conn) as watch:
        while True:
            started = time.monotonic()
            table: str | None = None
            try:
                with conn.transaction():
                    _set_lock_timeout(conn, min(LONGEST_WAIT, deadline - started))
                    watch.begin()
                    for table in order:
                        conn.execute(f"lock table only {table} in {tables[table]} mode".encode())
                    table = None
                    for statement in statements:
                        conn.execute(statement.encode())
                    watch.end()
                    # A cancel that came too late for the last of them ends here.
                    _set_lock_timeout(conn, patience)
                return
            except psycopg.errors.QueryCanceled as exc:
                if not watch.end():  # by somebody else
                    raise
                if time.monotonic() >= deadline:
                    raise psycopg.errors.LockNotAvailable(
                        "applications held what it wanted and wanted what it held"
                    ) from exc
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                watch.end()
                if time.monotonic() >= deadline:
                    raise
            if table is not None:
                # Wanted by those who wait for what we had by then: next time it is the first.
                order.remove(table)
                order.insert(0, table)
            # Others work on for as long as they had to wait for us.
            waited = max(time.monotonic() - started, SHORTEST_PAUSE)
            time.sleep(waited * random.uniform(1.0, 2.0))  # noqa: S311


def _set_lock_timeout(conn: Connection, seconds: float) -> None:
    value = f"{max(1, int(seconds * 1000))}ms"
    conn.execute("select set_config('lock_timeout', %s, true)", (value,))


class _Watch:
    """A second session that cancels what a connection waits for, where a circle has closed."""

    def __init__(self, conn: Connection) -> None:
        row = conn.execute(
            "select pg_backend_pid(),"
            " extract(epoch from current_setting('deadlock_timeout')::interval)::float8"
        ).fetchone()
        self._pid, allowed = row if row is not None else (0, 1.0)
        self._every = min(LOOK_EVERY, float(str(allowed)) / 4)
        self._own = psycopg.connect(
            make_conninfo(conn.info.dsn, password=conn.info.password or None),
            autocommit=True,
            prepare_threshold=None,
            application_name="pgdrip migrate",
        )
        self._turn = threading.Condition()
        self._is_on = False
        self._has_cancelled = False
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="locks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._turn:
            self._is_over = True
            self._is_on = False
            self._turn.notify()
        self._thread.join()
        self._own.close()

    def begin(self) -> None:
        """From now on."""
        with self._turn:
            self._is_on = True
            self._has_cancelled = False
            self._turn.notify()

    def end(self) -> bool:
        """No longer; whether something was cancelled."""
        with self._turn:
            self._is_on = False
            return self._has_cancelled

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._is_on or self._is_over)
                if self._is_over:
                    return
                try:
                    self._look()
                except psycopg.Error:
                    return  # without it the wait ends at lock_timeout, or as Postgres decides
            time.sleep(self._every)

    def _look(self) -> None:
        row = self._own.execute(_IS_IN_CIRCLE.encode(), {"pid": self._pid}).fetchone()
        if row is not None and row[0]:
            self._own.execute("select pg_cancel_backend(%s)", (self._pid,))
            self._has_cancelled = True
            self._is_on = False
