"""What a subscription of a test has got: bodies checked against the models of their types."""

from __future__ import annotations

from typing import Any

from factory import Connection

from pgdrip.events import EVENT_TYPES, Event

READ = "select * from drip.read_events(%s, 1000, %s)"


class Followed:
    """A queue that gets the events of a pattern; each is taken once."""

    def __init__(self, conn: Connection, pattern: str = "#", queue: str = "followed") -> None:
        self.conn = conn
        self.queue = queue
        row = conn.execute("select outcome from drip.subscribe(%s, %s)", [queue, pattern])
        assert row.fetchone() == {"outcome": "subscribed"}

    def take(self) -> list[Event]:
        """The events since the last time, each valid, in the order of the queue."""
        rows = self.conn.execute(READ, [self.queue, 60]).fetchall()
        self.conn.execute(
            "select from drip.ack_events(%s, %s)", [self.queue, [row["ack_id"] for row in rows]]
        )
        return [checked(row) for row in rows]

    def types(self) -> list[str]:
        """Their types alone."""
        return [event.type for event in self.take()]

    def one(self, type_: str) -> dict[str, Any]:
        """The data of the only event of that type; others may have come with it."""
        found = [event for event in self.take() if event.type == type_]
        assert len(found) == 1, found
        return found[0].data


def checked(row: dict[str, Any]) -> Event:
    """The event of a row of read_events; its body says what the row says, and fits its model."""
    event = Event.model_validate(row["body"])
    assert set(row["body"]) == set(Event.model_fields)
    assert (event.id, event.type, event.version, event.occurred_at) == (
        row["event_id"],
        row["type"],
        row["version"],
        row["occurred_at"],
    )
    known = EVENT_TYPES[event.type]
    assert event.version == known.version
    assert set(event.data) == set(known.data.model_fields)
    known.data.model_validate(event.data)
    assert row["body"]["occurred_at"].endswith("+00:00")
    return event
