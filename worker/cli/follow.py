"""Follows events from the outside: a subscription of its own, as an application would hold one."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

# Seconds between two looks at an empty queue.
POLL = 0.2
# Events a look takes at most, and seconds after which one that was not printed comes again.
CHUNK = 200
HOLD = 60

Connection = psycopg.Connection[Any]


@contextmanager
def subscription(connection: Connection, pattern: str) -> Iterator[str]:
    """A queue of its own that gets the events of the pattern; its name. It goes at the end.

    Where the server goes first it stays, and the view event_queues shows it.
    """
    queue = f"follow_{secrets.token_hex(6)}"
    connection.execute("select from drip.subscribe(%s, %s)", [queue, pattern])
    try:
        yield queue
    finally:
        if not connection.closed:
            connection.execute("select from drip.unsubscribe(%s)", [queue])


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Set by Ctrl-C or SIGTERM, between two statements: an exception could meet one half done.

    A second signal interrupts whatever is going on.
    """
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(
    connection: Connection,
    queue: str,
    show: Callable[[dict[str, Any]], None],
    stopped: threading.Event,
) -> None:
    """Show the queue's events as they come, until stopped; each is acked once it was shown.

    ``connection`` is in autocommit mode: an event of an open transaction is not there yet.
    """
    while not stopped.is_set():
        rows = connection.execute(
            "select e.ack_id, e.body from drip.read_events(%s, %s, %s) e", [queue, CHUNK, HOLD]
        ).fetchall()
        for _, body in rows:
            show(body)
        if rows:
            connection.execute(
                "select from drip.ack_events(%s, %s)", [queue, [ack_id for ack_id, _ in rows]]
            )
        else:
            stopped.wait(POLL)
