"""_window_opens_at(): when a sending window is open, in local time; server zones change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from factory import Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SERVER_ZONES = ["UTC", "Asia/Kuala_Lumpur", "America/New_York"]
Opens = Callable[..., "datetime | None"]


@pytest.fixture(params=SERVER_ZONES)
def opens(conn: Connection, request: pytest.FixtureRequest) -> Opens:
    """The function, in a session whose own zone must not matter."""
    conn.execute("select set_config('TimeZone', %s, false)", [request.param])

    def call(
        at: str | datetime,
        zone: str,
        start: str | None,
        end: str | None,
        days: list[int] | None = None,
        skip_weekends: bool = False,
    ) -> datetime | None:
        row = conn.execute(
            "select drip._window_opens_at(%s::timestamptz, %s, %s::time, %s::time, %s::smallint[],"
            " %s) as at",
            [at, zone, start, end, days, skip_weekends],
        ).fetchone()
        assert row is not None
        at = row["at"]
        return None if at is None else at.astimezone(UTC)

    return call


CASES: list[tuple[str, tuple[Any, ...], str]] = [
    # day window
    ("2026-03-02 08:59+08", ("Asia/Kuala_Lumpur", "09:00", "18:00"), "2026-03-02T09:00+08:00"),
    ("2026-03-02 09:00+08", ("Asia/Kuala_Lumpur", "09:00", "18:00"), "2026-03-02T09:00+08:00"),
    ("2026-03-02 17:59+08", ("Asia/Kuala_Lumpur", "09:00", "18:00"), "2026-03-02T17:59+08:00"),
    ("2026-03-02 18:00+08", ("Asia/Kuala_Lumpur", "09:00", "18:00"), "2026-03-03T09:00+08:00"),
    # the same instants in another zone
    ("2026-03-02 08:59+08", ("Europe/London", "09:00", "18:00"), "2026-03-02T09:00+00:00"),
    # wrapping midnight
    ("2026-03-02 21:59+08", ("Asia/Kuala_Lumpur", "22:00", "02:00"), "2026-03-02T22:00+08:00"),
    ("2026-03-02 23:30+08", ("Asia/Kuala_Lumpur", "22:00", "02:00"), "2026-03-02T23:30+08:00"),
    ("2026-03-03 01:59+08", ("Asia/Kuala_Lumpur", "22:00", "02:00"), "2026-03-03T01:59+08:00"),
    ("2026-03-03 02:00+08", ("Asia/Kuala_Lumpur", "22:00", "02:00"), "2026-03-03T22:00+08:00"),
    # open since yesterday evening, while it is tomorrow already in Kuala Lumpur
    ("2026-03-02 20:30-05", ("America/New_York", "22:00", "21:00"), "2026-03-02T20:30-05:00"),
    # a wrapping window belongs to the day on which it starts: Saturday 01:00 is Friday's
    (
        "2026-03-07 01:00+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", [5]),
        "2026-03-07T01:00+08:00",
    ),
    # but nothing leaves on a Saturday that is skipped, nor on Monday in Sunday's hours
    (
        "2026-03-06 23:59+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", None, True),
        "2026-03-06T23:59+08:00",
    ),
    (
        "2026-03-07 00:00+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", None, True),
        "2026-03-09T22:00+08:00",
    ),
    (
        "2026-03-07 01:00+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", [5], True),
        "2026-03-13T22:00+08:00",
    ),
    (
        "2026-03-09 01:00+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", None, True),
        "2026-03-09T22:00+08:00",
    ),
    (
        "2026-03-06 01:00+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", None, True),
        "2026-03-06T01:00+08:00",
    ),
    (
        "2026-03-07 22:30+08",
        ("Asia/Kuala_Lumpur", "22:00", "02:00", None, True),
        "2026-03-09T22:00+08:00",
    ),
    # weekends without hours
    (
        "2026-03-06 23:59+08",
        ("Asia/Kuala_Lumpur", None, None, None, True),
        "2026-03-06T23:59+08:00",
    ),
    (
        "2026-03-07 00:00+08",
        ("Asia/Kuala_Lumpur", None, None, None, True),
        "2026-03-09T00:00+08:00",
    ),
    # days
    (
        "2026-03-02 12:00+08",
        ("Asia/Kuala_Lumpur", "09:00", "18:00", [3, 7]),
        "2026-03-04T09:00+08:00",
    ),
    (
        "2026-03-04 18:00+08",
        ("Asia/Kuala_Lumpur", "09:00", "18:00", [3, 7]),
        "2026-03-08T09:00+08:00",
    ),
    (
        "2026-03-04 18:00+08",
        ("Asia/Kuala_Lumpur", "09:00", "18:00", [3, 7], True),
        "2026-03-11T09:00+08:00",
    ),
    (
        "2026-03-04 18:00+08",
        ("Asia/Kuala_Lumpur", "09:00", "18:00", [3]),
        "2026-03-11T09:00+08:00",
    ),
    # New York springs forward on 2026-03-08, 02:00 → 03:00: a start that does not exist moves
    ("2026-03-08 01:00-05", ("America/New_York", "02:30", "05:00"), "2026-03-08T03:30-04:00"),
    ("2026-03-08 03:15-04", ("America/New_York", "02:30", "05:00"), "2026-03-08T03:30-04:00"),
    ("2026-03-07 23:00-05", ("America/New_York", "09:00", "18:00"), "2026-03-08T09:00-04:00"),
    # it falls back on 2026-11-01, 02:00 → 01:00: a start that exists twice is taken once
    ("2026-11-01 00:30-04", ("America/New_York", "01:30", "05:00"), "2026-11-01T01:30-05:00"),
    ("2026-10-31 23:00-04", ("America/New_York", "09:00", "18:00"), "2026-11-01T09:00-05:00"),
    # zones off the hour and across the date line
    ("2026-03-02 00:00Z", ("Asia/Kathmandu", "05:45", "06:00"), "2026-03-02T05:45+05:45"),
    ("2026-03-02 00:00Z", ("Pacific/Kiritimati", "09:00", "18:00"), "2026-03-02T14:00+14:00"),
    ("2026-03-02 00:00Z", ("Pacific/Pago_Pago", "09:00", "18:00"), "2026-03-01T13:00-11:00"),
    ("2026-10-04 01:50+10:30", ("Australia/Lord_Howe", "02:15", "9:00"), "2026-10-04T02:45+11:00"),
]


@pytest.mark.lesson(17, story=True)
@pytest.mark.lesson(22, story=True)
@pytest.mark.parametrize(("at", "window", "expected"), CASES)
def test_opens(opens: Opens, at: str, window: tuple[Any, ...], expected: str) -> None:
    found = opens(at, *window)
    assert found == datetime.fromisoformat(expected)


def test_no_day_at_all_never_opens(opens: Opens) -> None:
    assert opens("2026-03-02 09:00+08", "UTC", "09:00", "10:00", [6, 7], True) is None


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(
        lambda naive: naive.replace(tzinfo=ZoneInfo("UTC"))
    ),
    zone=st.sampled_from(
        ["UTC", "Asia/Kuala_Lumpur", "America/New_York", "Europe/London", "America/Sao_Paulo"]
    ),
    hours=st.lists(st.integers(0, 23), min_size=2, max_size=2, unique=True),
    days=st.one_of(st.none(), st.sets(st.integers(1, 7), min_size=1)),
)
def test_it_is_open_then_and_was_shut_before(
    conn: Connection, at: datetime, zone: str, hours: list[int], days: set[int] | None
) -> None:
    """What it gives lies in the window; between the question and the answer nothing does."""
    start, end = hours

    def is_open(moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(zone))
        day, hour = local.date(), local.hour
        if start < end:
            inside = start <= hour < end
        else:
            inside = hour >= start or hour < end
            if hour < end:
                day -= timedelta(days=1)
        return inside and (days is None or day.isoweekday() in days)

    row = conn.execute(
        "select drip._window_opens_at(%s, %s, make_time(%s, 0, 0), make_time(%s, 0, 0),"
        " %s::smallint[], false) as at",
        [at, zone, start, end, None if days is None else sorted(days)],
    ).fetchone()
    assert row is not None
    opens_at = row["at"]
    assert opens_at >= at
    # hours that a change of the clocks skips or repeats have cases of their own above
    if any(
        (at + timedelta(hours=step)).astimezone(ZoneInfo(zone)).utcoffset()
        != at.astimezone(ZoneInfo(zone)).utcoffset()
        for step in range(-24, int((opens_at - at).total_seconds() // 3600) + 25)
    ):
        return
    assert is_open(opens_at)
    assert (opens_at == at) is is_open(at)
    step = max((opens_at - at) / 50, timedelta(minutes=1))
    moment = at
    while moment < opens_at:
        assert not is_open(moment)
        moment += step
