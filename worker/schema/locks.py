"""Locks on tables and views in use, got without making anybody else the victim of a deadlock.

Applications hold what we want and want what we hold, in any order. Postgres looks for a circle
once, when somebody has waited for `deadlock_timeout`, and ends whoever has. So a second session
watches ours: as soon as somebody waits for us who holds what we still want, we give everything back
and try again, long before he looks. Whoever holds nothing of it may wait, and those that we wait
for may take their time.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo

from .catalog import Connection

LONGEST_TRY = 5.0  # seconds in which a try waits: so long do others wait behind us
LOOK_EVERY = 0.04  # seconds between two looks, at most a quarter of deadlock_timeout
SHORTEST_PAUSE = 0.01
EXCLUSIVE = "access exclusive"

# Whether one of those that wait for a session, directly or not, is one that it waits for, or holds
# a lock that it will want: the names of tables and views, and of those the ones that it wants for
# itself alone. For the others it lets readers in.
_IS_IN_THE_WAY = """
with recursive waiting as materialized (
  select l.pid, b.pid as blocker
  from (select distinct l.pid from pg_catalog.pg_locks as l where not l.granted) as l
  cross join lateral unnest(pg_catalog.pg_blocking_pids(l.pid)) as b (pid)
),
behind (pid) as (
  select w.pid from waiting as w where w.blocker = %(pid)s
  union
  select w.pid from behind as a join waiting as w on w.blocker = a.pid
)
select exists (
  select
  from behind as b
  where b.pid = %(pid)s
    or exists (
      select
      from pg_catalog.pg_locks as l
      where l.pid = b.pid
        and l.granted
        and l.database = (
          select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
        and (l.relation = any (
               select to_regclass(w.name) from unnest(%(alone)s::text[]) as w (name))
             or l.relation = any (
               select to_regclass(w.name) from unnest(%(shared)s::text[]) as w (name))
             and l.mode not in ('AccessShareLock', 'RowShareLock'))))
"""


def run_locking(
    conn: Connection,
    tables: Mapping[str, str],
    gates: Sequence[tuple[str, str]],
    statements: Sequence[str],
    patience: float,
) -> None:
    """Run `gates`, lock tables (name to mode) and run the statements, or raise LockNotAvailable.

    Gates (name, statement) drop views: who begins to read one waits there before it has a lock on
    any table. Behind them a table is free as soon as the reads that are under way have ended,
    however long they take. Tries for `patience` seconds. After it the transaction holds its locks
    and must wait for no others that applications take.
    """
    if not (tables or gates or statements):
        return
    order = sorted(tables)
    deadline = time.monotonic() + patience
    alone = [
        *(name for name, _ in gates),
        *(name for name, mode in tables.items() if mode == EXCLUSIVE),
    ]
    shared = [name for name, mode in tables.items() if mode != EXCLUSIVE]
    with closing(_Watch(conn, alone, shared)) as watch:
        while True:
            started = time.monotonic()
            table: str | None = None
            try:
                with conn.transaction(), watch:
                    clock = _Clock(conn, min(LONGEST_TRY, deadline - started))
                    for _, gate in gates:
                        conn.execute(gate.encode())
                        clock.tick()
                    for table in order:
                        conn.execute(f"lock table only {table} in {tables[table]} mode".encode())
                        clock.tick()
                    table = None
                    for statement in statements:
                        conn.execute(statement.encode())
                        clock.tick()
                    watch.end()
                    # A cancel that came too late for the last of them ends here.
                    _set_lock_timeout(conn, patience)
                return
            except psycopg.errors.QueryCanceled as exc:
                if not watch.has_cancelled:  # by somebody else
                    raise
                if time.monotonic() >= deadline:
                    raise psycopg.errors.LockNotAvailable(
                        "applications held what it wanted and wanted what it held"
                    ) from exc
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                if time.monotonic() >= deadline:
                    raise
            if table is not None:
                # Wanted by those who wait for what we had by then: next time it is the first.
                order.remove(table)
                order.insert(0, table)
            # Others work on for as long as they had to wait for us.
            waited = max(time.monotonic() - started, SHORTEST_PAUSE)
            time.sleep(waited * random.uniform(1.0, 2.0))  # noqa: S311


class _Clock:
    """Lets all waits of a try together take so many seconds."""

    def __init__(self, conn: Connection, seconds: float) -> None:
        self._conn = conn
        self._end = time.monotonic() + seconds
        self._set_at = 0.0
        self.tick()

    def tick(self) -> None:
        """A statement is over; the next one may wait for what is left."""
        now = time.monotonic()
        if now - self._set_at > SHORTEST_PAUSE:
            _set_lock_timeout(self._conn, self._end - now)
            self._set_at = now


def _set_lock_timeout(conn: Connection, seconds: float) -> None:
    value = f"{max(1, int(seconds * 1000))}ms"
    conn.execute("select set_config('lock_timeout', %s, true)", (value,))


class _Watch:
    """A second session that cancels what a connection waits for, before a circle closes."""

    def __init__(self, conn: Connection, alone: list[str], shared: list[str]) -> None:
        row = conn.execute(
            "select pg_backend_pid(),"
            " extract(epoch from current_setting('deadlock_timeout')::interval)::float8"
        ).fetchone()
        pid, allowed = row if row is not None else (0, 1.0)
        self._pid = pid
        self._wanted = {"pid": pid, "alone": alone, "shared": shared}
        self._every = min(LOOK_EVERY, float(str(allowed)) / 4)
        self._own = psycopg.connect(
            make_conninfo(conn.info.dsn, password=conn.info.password or None),
            autocommit=True,
            prepare_threshold=None,
            application_name="pgdrip migrate",
        )
        self._turn = threading.Condition()
        self._is_on = False
        self._is_over = False
        self.has_cancelled = False
        self._thread = threading.Thread(target=self._run, name="locks", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """From now on."""
        with self._turn:
            self._is_on = True
            self.has_cancelled = False
            self._turn.notify()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """No longer: what is rolled back now must not be cancelled."""
        with self._turn:
            self._is_on = False

    def close(self) -> None:
        """End the session."""
        with self._turn:
            self._is_over = True
            self._is_on = False
            self._turn.notify()
        self._thread.join()
        self._own.close()

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
        row = self._own.execute(_IS_IN_THE_WAY.encode(), self._wanted).fetchone()
        if row is not None and row[0]:
            # One that arrives between two statements does nothing: it looks on, and cancels again.
            self._own.execute("select pg_cancel_backend(%s)", (self._pid,))
            self.has_cancelled = True
