"""The demonstration's check finds what it claims to find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pgdrip.demo.check import check_coming_back, check_sending, check_stopping

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STATS = {
    "webhooks": {"taken": 9, "duplicates": 1, "waiting": 0, "given_up": 0, "dropped": 0},
}


def received(number: int, **changes: Any) -> dict[str, Any]:
    """A message as the gateway lists it."""
    message = {
        "message_id": f"id {number}",
        "phone": f"+6012{number:07d}",
        "content": "Hi",
        "caption": None,
        "media_url": None,
        "template": None,
        "outcome": "accepted",
        "accepted": True,
        "failed_code": None,
        "received_at": AT.isoformat(),
        "delivered_at": None,
        "read_at": None,
    }
    return message | changes


def row(number: int, status: str = "sent", **changes: Any) -> dict[str, Any]:
    """A message as the database has it."""
    provider_id = f"id {number}" if status in ("sent", "failed") else None
    fields = {"message_id": number, "status": status, "provider_message_id": provider_id}
    return fields | {"attempts": 1, "delivered": False, "read": False} | changes


GOOD = [row(1), row(2), row(3, "failed"), row(4), row(5, "unknown")]
# 3 failed after it was taken; the answers to 4 and 5 were lost, a receipt settled 4; 6 was refused
BOOKS = [
    received(1),
    received(2),
    received(3, failed_code="131026"),
    received(4, outcome="timeout_504"),
    received(5, outcome="timeout_504"),
    received(6, outcome="error_500", accepted=False, message_id=None),
]


def holds(checks: list[tuple[bool, str]]) -> list[bool]:
    return [is_right for is_right, _ in checks]


def test_books_that_agree() -> None:
    assert holds(check_sending(GOOD, BOOKS)) == [True, True, True]


@pytest.mark.parametrize(
    ("rows", "books", "place"),
    [
        (GOOD[1:], BOOKS, 0),
        (GOOD, BOOKS[1:], 0),
        ([*GOOD, row(7)], BOOKS, 0),
        ([*GOOD[:2], row(3), *GOOD[3:]], BOOKS, 0),
        (GOOD, [*BOOKS, received(1)], 1),
        (GOOD[:4], BOOKS, 2),
    ],
    ids=["not recorded", "not received", "never sent", "failed as sent", "twice", "unknown lost"],
)
def test_books_that_differ(
    rows: list[dict[str, Any]], books: list[dict[str, Any]], place: int
) -> None:
    assert not holds(check_sending(rows, books))[place]


def test_receipts_agree_by_id() -> None:
    at = AT.isoformat()
    books = [
        received(1, delivered_at=at, read_at=at),
        received(2, delivered_at=at),
        received(3, read_at=at),
        received(9, delivered_at=at, outcome="timeout_504"),  # nobody here knows its id
    ]
    good = [row(1, delivered=True, read=True), row(2, delivered=True), row(3, read=True), row(4)]
    assert holds(check_coming_back(good, books, STATS)) == [True, True]
    for number, change in ((0, "read"), (1, "read"), (3, "delivered"), (2, "read")):
        rows = [dict(each) for each in good]
        rows[number][change] = not rows[number][change]
        assert holds(check_coming_back(rows, books, STATS)) == [False, True]


@pytest.mark.parametrize("kind", ["waiting", "given_up", "dropped"])
def test_webhooks_that_are_lost_are_told(kind: str) -> None:
    stats = {"webhooks": STATS["webhooks"] | {kind: 1}}
    assert holds(check_coming_back([], [], stats)) == [True, False]


def test_message_after_a_stop_is_found() -> None:
    message = received(1)
    phone = message["phone"]
    assert check_stopping([message], {})[0]
    assert check_stopping([message], {phone: AT - timedelta(seconds=1)})[0]
    assert not check_stopping([message], {phone: AT - timedelta(seconds=3)})[0]
