"""Random worlds: a tenant, its devices, leads and programs, and what happens to them meanwhile.

Times of day, lengths and instants come from short lists: limits that meet each other find more
than any second of the year.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]

# Changes of the clocks in 2026, the edge of a week, and a day on which nothing happens.
EDGES = [
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York springs forward
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # and falls back
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # London and Berlin
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 6, 5, 16, tzinfo=UTC),  # Saturday in Kuala Lumpur
    datetime(2026, 6, 7, 18, 15, tzinfo=UTC),  # Monday in Kathmandu
    datetime(2026, 6, 17, 9, tzinfo=UTC),
]
ZONES = [
    "UTC",
    "Asia/Kuala_Lumpur",
    "Asia/Kathmandu",
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
TIMES = [
    time(0, 0),
    time(0, 30),
    time(1, 30),
    time(2, 0),
    time(2, 15),
    time(2, 30),
    time(3, 0),
    time(6, 0),
    time(9, 0),
    time(12, 0),
    time(17, 45),
    time(22, 0),
    time(23, 30),
    time(23, 59, 30),
]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Local hours and days in which something is open; below its start the end is tomorrow's."""

    start: time | None = None
    end: time | None = None
    days: tuple[int, ...] | None = None
    skip_weekends: bool = False


@dataclass(frozen=True)
class Device:
    """Settings of a device as columns, besides its hours."""

    delays: tuple[int, int] = (0, 0)
    burst: int = 1
    daily_cap: int | None = None
    ramp: tuple[int, ...] | None = None
    ramp_starts: int = 0  # days from the start of the play
    hours: Window = Window()
    in_account: bool = False
    platform: str = "gowa"
    retries_unknown: bool = False


@dataclass(frozen=True)
class Step:
    """A step of a sequence."""

    delay_hours: float = 24
    send_time: time | None = None
    valid_for: timedelta | None = None
    delays: tuple[int, int] | None = None


@dataclass(frozen=True)
class Program:
    """A sequence and the leads that enter it, by number."""

    steps: tuple[Step, ...]
    window: Window = Window()
    delays: tuple[int, int] | None = None
    category: str = "marketing"
    priority: int = 2
    start_delay: timedelta = timedelta(0)
    stops_on_failure: bool = False
    device: int | None = None
    leads: tuple[int, ...] = ()


@dataclass(frozen=True)
class Campaign:
    """A campaign to every lead, so long after the start."""

    after: timedelta
    window: Window = Window()
    delays: tuple[int, int] | None = None
    valid_for: timedelta | None = None
    local_time: bool = False
    category: str = "marketing"


@dataclass(frozen=True)
class Lead:
    """A contact: its zone or the tenant's, its device or the pool's."""

    zone: str | None = None
    device: int | None = None
    wrote: timedelta | None = None  # its last message to us, before the start


@dataclass(frozen=True)
class Event:
    """What happens so long after the start, to which of them, and for how long or how."""

    after: timedelta
    kind: str
    which: int = 0
    length: timedelta = HOUR
    policy: str = "shift"


@dataclass(frozen=True)
class Answer:
    """What a sender says to a message, and how long it takes."""

    outcome: str = "accepted"
    latency: float = 0
    scope: str = "recipient"
    retry_after: int | None = None
    later: str | None = None  # how an unknown one is settled, hours later
    settles: timedelta = HOUR


@dataclass(frozen=True)
class World:
    """All of it, and the order in which the play looks at things."""

    start: datetime
    zone: str = "UTC"
    window: Window = Window()
    contact_gap: timedelta | None = None
    contact_cap: int | None = None
    contact_cap_period: timedelta = 7 * DAY
    unknown_hold: timedelta = DAY
    reach_cap: int | None = None
    devices: tuple[Device, ...] = (Device(),)
    leads: tuple[Lead, ...] = (Lead(),)
    sequences: tuple[Program, ...] = ()
    campaign: Campaign | None = None
    singles: tuple[tuple[int, timedelta, str], ...] = ()  # lead, after the start, category
    events: tuple[Event, ...] = ()
    answers: tuple[Answer, ...] = (Answer(),)
    picks: tuple[int, ...] = field(default=(0,))


def sometimes(strategy: st.SearchStrategy[Any], *, often: bool = False) -> st.SearchStrategy[Any]:
    """None in about two of three cases, or in one of three."""
    if often:
        return st.one_of(strategy, st.none(), strategy)
    return st.one_of(st.none(), st.none(), strategy)


def lengths(*choices: timedelta) -> st.SearchStrategy[timedelta]:
    return st.sampled_from(choices)


hours_of_day = st.lists(st.sampled_from(TIMES), min_size=2, max_size=2, unique=True)
some_days = st.sampled_from([(1, 2, 3, 4, 5), (6, 7), (2, 4), (7,), (1,), (1, 3, 5, 7)])


@st.composite
def windows(draw: st.DrawFn, *, weekends: bool = True, days: bool = True) -> Window:
    """Hours, days, both or neither."""
    start, end = draw(sometimes(hours_of_day)) or (None, None)
    skip = weekends and draw(st.integers(0, 3)) == 0
    chosen = draw(sometimes(some_days)) if days else None
    if skip and chosen is not None and not set(chosen) & {1, 2, 3, 4, 5}:
        chosen = None
    return Window(start, end, chosen, skip)


delays = st.sampled_from([(0, 0), (0, 0), (10, 30), (30, 30), (0, 45), (600, 900)])
validities = sometimes(lengths(30 * MINUTE, 3 * HOUR, 2 * DAY))

devices = st.builds(
    Device,
    delays=delays,
    burst=st.sampled_from([1, 1, 2, 5]),
    daily_cap=sometimes(st.integers(1, 5)),
    ramp=sometimes(st.sampled_from([(1,), (1, 2), (2, 1, 3), (1, 1, 2, 4)])),
    ramp_starts=st.integers(-2, 1),
    hours=sometimes(hours_of_day).map(lambda pair: Window(*pair) if pair else Window()),
    in_account=st.booleans(),
    platform=st.sampled_from(["gowa", "gowa", "gowa", "cloud_api"]),
    retries_unknown=st.sampled_from([False, False, False, True]),
)

steps = st.builds(
    Step,
    delay_hours=st.sampled_from([0, 0.25, 0.5, 1, 3, 12.5, 23, 24, 24, 25, 48]),
    send_time=sometimes(st.sampled_from(TIMES)),
    valid_for=validities,
    delays=sometimes(delays),
)

leads = st.builds(
    Lead,
    zone=sometimes(st.sampled_from(ZONES), often=True),
    device=sometimes(st.integers(0, 2)),
    wrote=sometimes(lengths(timedelta(0), HOUR, 20 * HOUR, 30 * HOUR), often=True),
)

answers = st.one_of(
    st.builds(Answer, latency=st.sampled_from([0, 0, 0.25, 7, 40])),
    st.builds(Answer, latency=st.sampled_from([0, 0, 0.25, 7, 40])),
    st.builds(
        Answer,
        outcome=st.sampled_from(["retry", "retry", "permanent", "unknown", "unknown", "silence"]),
        latency=st.sampled_from([0, 1, 40]),
        retry_after=st.sampled_from([5, 600, 7200]),
        later=sometimes(st.sampled_from(["accepted", "permanent"]), often=True),
        settles=lengths(MINUTE, HOUR, 11 * HOUR, 30 * HOUR),
    ),
    st.builds(
        Answer,
        outcome=st.sampled_from(["retry", "permanent"]),
        scope=st.just("device"),
        retry_after=st.sampled_from([20, 3600]),
    ),
)

events = st.builds(
    Event,
    after=lengths(
        timedelta(0),
        MINUTE,
        25 * MINUTE,
        HOUR,
        3 * HOUR,
        10 * HOUR,
        23 * HOUR,
        DAY,
        2 * DAY,
        80 * HOUR,
        6 * DAY,
    ),
    kind=st.sampled_from(
        [
            "pause_sequence",
            "pause_sequence",
            "pause_campaign",
            "pause_lead",
            "pause_lead",
            "opt_out",
            "opt_out_of_marketing",
            "outage",
            "outage",
            "offline",
            "attention",
            "tenant_off",
            "exit",
        ]
    ),
    which=st.integers(0, 5),
    length=lengths(MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY + HOUR),
    policy=st.sampled_from(["shift", "shift", "catch_up", "skip"]),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world that is small, and crossed by every rule now and then."""
    start = draw(st.sampled_from(EDGES)) + draw(
        lengths(-3 * DAY, -30 * HOUR, -5 * HOUR, -40 * MINUTE, -30 * timedelta(seconds=1), HOUR)
    )
    people = tuple(draw(st.lists(leads, min_size=1, max_size=6)))
    numbers = st.lists(st.integers(0, len(people) - 1), min_size=1, unique=True).map(tuple)
    fleet = tuple(draw(st.lists(devices, min_size=1, max_size=3)))
    program = st.builds(
        Program,
        steps=st.lists(steps, min_size=1, max_size=5).map(tuple),
        window=windows(),
        delays=sometimes(delays),
        category=st.sampled_from(["marketing", "marketing", "utility"]),
        priority=st.sampled_from([2, 2, 1, 3]),
        start_delay=lengths(timedelta(0), 5 * MINUTE, 10 * HOUR),
        stops_on_failure=st.booleans(),
        device=sometimes(st.integers(0, len(fleet) - 1)),
        leads=numbers,
    )
    campaign = st.builds(
        Campaign,
        after=lengths(timedelta(0), HOUR, 30 * HOUR),
        window=windows(weekends=False),
        delays=sometimes(delays),
        valid_for=validities,
        local_time=st.booleans(),
        category=st.sampled_from(["marketing", "utility"]),
    )
    return World(
        start=start,
        zone=draw(st.sampled_from(ZONES)),
        window=draw(windows(weekends=False)),
        contact_gap=draw(sometimes(lengths(MINUTE, HOUR, 5 * HOUR, DAY))),
        contact_cap=draw(sometimes(st.integers(1, 3))),
        contact_cap_period=draw(lengths(HOUR, DAY, 7 * DAY)),
        unknown_hold=draw(lengths(DAY, DAY, HOUR, timedelta(0))),
        reach_cap=draw(sometimes(st.integers(1, 3), often=True)),
        devices=fleet,
        leads=people,
        sequences=tuple(draw(st.lists(program, min_size=1, max_size=3))),
        campaign=draw(sometimes(campaign)),
        singles=tuple(
            draw(
                st.lists(
                    st.tuples(
                        st.integers(0, len(people) - 1),
                        lengths(timedelta(0), HOUR, DAY),
                        st.sampled_from(["utility", "marketing"]),
                    ),
                    max_size=2,
                )
            )
        ),
        events=tuple(draw(st.lists(events, max_size=5))),
        answers=tuple(draw(st.lists(answers, min_size=1, max_size=8))),
        picks=tuple(draw(st.lists(st.integers(0, 97), min_size=1, max_size=6))),
    )
