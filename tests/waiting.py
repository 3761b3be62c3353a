"""Waiting on the lock state of two sessions, in place of sleeping."""

from __future__ import annotations

import time

from factory import Connection


def is_blocked_by(observer: Connection, waiting: Connection, by: Connection) -> bool:
    """True while a statement of `waiting` waits for a lock that `by` holds."""
    row = observer.execute(
        "select %s = any (pg_blocking_pids(%s)) as is_blocked",
        [by.info.backend_pid, waiting.info.backend_pid],
    ).fetchone()
    assert row is not None
    return bool(row["is_blocked"])


def wait_until_blocked(
    observer: Connection, waiting: Connection, *, by: Connection, seconds: float = 30
) -> None:
    """Return once `waiting` waits for `by`; TimeoutError when that does not come about."""
    deadline = time.monotonic() + seconds
    while not is_blocked_by(observer, waiting, by):
        if time.monotonic() > deadline:
            raise TimeoutError("the session does not wait for the other one")
        time.sleep(0.005)
