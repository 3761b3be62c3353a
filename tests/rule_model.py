"""Whether a message may leave, worked out a second time: in Python, from what a play has done.

Nothing here asks the database. Local times go by zoneinfo, counts by the play's own record of
claims and answers; of a message's row only its schedule, its device and its status are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from worlds import DAY, HOUR, Device, Program, Step, Window, World

Row = dict[str, Any]

FINISHED = ("sent", "unknown", "failed")
# What a contact has got, or may have got.
REACHED = ("sent", "unknown", "maybe")


def wall(at: datetime, zone: str) -> datetime:
    """The wall clock at an instant, without a zone."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def instant(local: datetime, zone: str) -> datetime:
    """When the wall clock shows this: skipped times move forward, doubled ones are the second."""
    both = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    return max(at.astimezone(UTC) for at in both)


def meant(at: datetime, zone: str) -> datetime:
    """The wall clock at an instant; of a time that the clocks skipped, the one that was meant."""
    shown = wall(at, zone)
    gap = shown - wall(at - 3 * HOUR, zone) - 3 * HOUR
    return shown - gap if gap > 0 * HOUR and instant(shown - gap, zone) == at else shown


def next_local_time(at: datetime, zone: str, wanted: time) -> datetime:
    """The first instant from then on at that time of day."""
    today = wall(at, zone).date()
    return next(
        found
        for n in range(3)
        if (found := instant(datetime.combine(today + n * DAY, wanted), zone)) >= at
    )


def openings(at: datetime, zone: str, window: Window) -> Iterator[tuple[datetime, datetime]]:
    """The window's openings and ends of the days around an instant; hours belong to their start."""
    today = wall(at, zone).date()
    for n in (-1, 0, 1):
        day = today + n * DAY
        if window.days is not None and day.isoweekday() not in window.days:
            continue
        if window.skip_weekends and day.isoweekday() > 5:
            continue
        end = day
        if window.end is None or window.start is None or window.end <= window.start:
            end += DAY
        ends = window.end or time(0)
        if window.skip_weekends and end.isoweekday() == 6:
            ends = time(0)
        yield (
            instant(datetime.combine(day, window.start or time(0)), zone),
            instant(datetime.combine(end, ends), zone),
        )


def is_open(at: datetime, zone: str, window: Window) -> bool:
    """True inside the window."""
    return any(opens <= at < ends for opens, ends in openings(at, zone, window))


def timeline(sequence: Program, start: datetime, zone: str) -> list[datetime]:
    """When each step is planned for a journey that begins then."""
    at = start
    planned = []
    for number, step in enumerate(sequence.steps):
        wait = step.delay_hours * HOUR
        if step.send_time is None:
            at = at + wait if number else at
        else:
            at = instant(meant(at, zone) + wait, zone) if number else at
            at = next_local_time(at, zone, step.send_time)
        planned.append(at)
    return planned


def spaced_at(steps: Sequence[Step], due: datetime, left: datetime, zone: str) -> datetime:
    """From when the last of these steps keeps its distance to the one before the first of them,
    which was due and has left then: the waits of all of them, also of one that never left.

    With a time of day the wait is one of the wall clock, and being late by up to half of it,
    twelve hours at most, is the queue's and costs nobody a day.
    """
    wait = sum(step.delay_hours for step in steps) * HOUR
    if steps[-1].send_time is None:
        return left + wait
    late = wall(left, zone) - wall(due, zone)
    since = meant(due, zone) if late <= min(wait / 2, 12 * HOUR) else wall(left, zone)
    return instant(since + wait, zone)


@dataclass(repr=False)
class Attempt:
    """A message that was handed over, and what became of it."""

    message: int
    number: int
    device: int
    lead: int
    category: str
    enrollment: int | None
    day: int | None
    scheduled_at: datetime
    claimed_at: datetime
    delay: timedelta
    fate: str | None = None  # None in flight, then sent, unknown, maybe, failed, back
    at: datetime | None = None  # of the answer
    ended_at: datetime | None = None  # when it was finished for the order of the journey
    counted: bool = False  # it has, or may have, reached the contact, as far as was known at first

    def __repr__(self) -> str:
        at = " ".join(
            f"{name} {moment:%d %H:%M:%S.%f}"
            for name, moment in [
                ("due", self.scheduled_at),
                ("claimed", self.claimed_at),
                ("answered", self.at),
                ("ended", self.ended_at),
            ]
            if moment is not None
        )
        return (
            f"message {self.message}#{self.number} device {self.device} lead {self.lead}"
            f" {self.category} journey {self.enrollment} step {self.day} {self.fate} {at}"
            f" +{self.delay.total_seconds()}"
        )


@dataclass
class Model:
    """What the play has done to a world, and the rules over it."""

    world: World
    tenant_on: bool = True
    device_status: dict[int, str] = field(default_factory=dict)
    device_pause: dict[int, datetime] = field(default_factory=dict)
    breaker_until: dict[int, datetime] = field(default_factory=dict)
    paused_leads: dict[int, datetime] = field(default_factory=dict)
    suppressed: set[tuple[int, str]] = field(default_factory=set)
    paused_sequences: set[int] = field(default_factory=set)
    campaign_paused: bool = False
    retry_at: dict[int, datetime] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    # -- what is set --------------------------------------------------------------------------

    def zone_of(self, lead: int) -> str:
        return self.world.leads[lead].zone or self.world.zone

    def window_of(self, row: Row) -> Window:
        """The program's hours and days, else the tenant's; a single utility message has none."""
        own = Window()
        if row["sequence"] is not None:
            own = self.world.sequences[row["sequence"]].window
        elif row["campaign_id"] is not None:
            assert self.world.campaign is not None
            own = self.world.campaign.window
        elif row["category"] == "utility":
            return own
        tenant = self.world.window
        hours = own if own.start is not None else tenant
        return Window(
            hours.start,
            hours.end,
            own.days if own.days is not None else tenant.days,
            own.skip_weekends,
        )

    def delay_bounds(self, row: Row) -> tuple[int, int]:
        """Least and most seconds after a message: the device is the floor, bound by bound."""
        device = self.world.devices[row["device"]].delays
        program: tuple[int, int] | None = None
        if row["sequence"] is not None:
            sequence = self.world.sequences[row["sequence"]]
            program = sequence.steps[row["day"] - 1].delays or sequence.delays
        elif row["campaign_id"] is not None:
            assert self.world.campaign is not None
            program = self.world.campaign.delays
        low = max(device[0], program[0] if program else 0)
        return low, max(low, device[1], program[1] if program else 0)

    # -- what was sent ------------------------------------------------------------------------

    def in_flight(self, device: int) -> int:
        return sum(a.fate is None and a.device == device for a in self.attempts)

    def today(self, at: datetime) -> date:
        return wall(at, self.world.zone).date()

    def used_on(self, device: int, day: date) -> int:
        """Real sends of a local day of the tenant's."""
        return sum(
            a.device == device
            and a.fate in REACHED
            and a.at is not None
            and self.today(a.at) == day
            for a in self.attempts
        )

    def ramp_cap(self, device: int, now: datetime) -> int | None:
        settings = self.world.devices[device]
        if settings.ramp is None:
            return None
        first = self.today(self.world.start) + settings.ramp_starts * DAY
        rested = instant(datetime.combine(first, time(0)), self.world.zone) + 72 * HOUR
        sends = [a for a in self.attempts if a.device == device and a.counted]
        for a in sorted(sends, key=lambda a: a.claimed_at):
            if a.claimed_at >= rested:
                first = self.today(a.claimed_at)
            rested = max(
                rested,
                a.claimed_at + 72 * HOUR,
                instant(datetime.combine(first, time(0)), self.world.zone) + 72 * HOUR,
            )
        day = 0 if now >= rested else max((self.today(now) - first).days, 0)
        return settings.ramp[day] if day < len(settings.ramp) else None

    def reached(self, now: datetime) -> set[int]:
        """Leads that the account has reached in the last 24 h, or is reaching."""
        return {
            a.lead
            for a in self.attempts
            if self.world.devices[a.device].in_account
            and (
                a.fate is None
                # one that was unknown keeps its place, even if it is known to have failed
                or (a.counted and a.at is not None and a.at > now - timedelta(hours=24))
            )
        }

    def marketing_to(self, lead: int, but: int, now: datetime) -> list[datetime]:
        """When the lead got other marketing messages, the last first; what is in flight is now."""
        return sorted(
            (
                now if a.fate is None or a.at is None else a.at
                for a in self.attempts
                if a.lead == lead
                and a.message != but
                and a.category == "marketing"
                and a.fate in (None, "sent", "unknown")
            ),
            reverse=True,
        )

    # -- the rules ----------------------------------------------------------------------------

    def rules_against(self, row: Row, journey: list[Row], now: datetime) -> set[str]:
        """The reasons of every rule that forbids the message to leave at this moment."""
        return {
            *self._against_its_program(row, now),
            *self._against_its_order(row, journey, now),
            *self._against_its_contact(row, now),
            *(self._against_its_device(row, now) if row["device"] is not None else ["no_device"]),
        }

    def _against_its_program(self, row: Row, now: datetime) -> Iterator[str]:
        if not self.tenant_on:
            yield "user_inactive"
        if row["sequence"] in self.paused_sequences:
            yield "sequence_paused"
        elif row["campaign_id"] is not None and self.campaign_paused:
            yield "campaign_paused"
        elif row["expires_at"] is not None and row["expires_at"] <= now:
            yield "expired"

    def _against_its_order(self, row: Row, journey: list[Row], now: datetime) -> Iterator[str]:
        due = [row["scheduled_at"]]
        if row["id"] in self.retry_at:
            due.append(self.retry_at[row["id"]])
        if row["sequence"] is not None:
            steps = self.world.sequences[row["sequence"]].steps
            zone = self.zone_of(row["lead"])
            before = [other for other in journey if other["day"] < row["day"]]
            if any(other["status"] in ("pending", "processing") for other in before):
                yield "predecessor_pending"
            numbers = {other["id"] for other in before}
            for a in self.attempts:
                if a.message not in numbers:
                    continue
                if a.fate is None:
                    yield "predecessor_pending"
                if a.fate == "unknown" and a.at and a.at + self.world.unknown_hold > now:
                    yield "predecessor_unknown"
                if a.fate in FINISHED and a.ended_at is not None:
                    between = steps[a.day : row["day"]]
                    due.append(spaced_at(between, a.scheduled_at, a.ended_at, zone))
        if max(due) > now:
            yield "not_due"

    def _against_its_contact(self, row: Row, now: datetime) -> Iterator[str]:
        lead = row["lead"]
        if (lead, "all") in self.suppressed or (
            row["category"] == "marketing" and (lead, "marketing") in self.suppressed
        ):
            yield "suppressed"
        if lead in self.paused_leads and self.paused_leads[lead] > now:
            yield "lead_paused"
        window = self.window_of(row)
        zone = self.zone_of(lead)
        if not is_open(now, zone, window):
            is_weekend = window.skip_weekends and wall(now, zone).isoweekday() > 5
            yield "weekend" if is_weekend else "outside_window"
        if row["category"] == "marketing":
            times = self.marketing_to(lead, row["id"], now)
            gap, cap = self.world.contact_gap, self.world.contact_cap
            if gap is not None and times and times[0] + gap > now:
                yield "contact_gap"
            if (
                cap is not None
                and len(times) >= cap
                and times[cap - 1] + self.world.contact_cap_period > now
            ):
                yield "contact_cap"

    def _against_its_device(self, row: Row, now: datetime) -> Iterator[str]:
        number = row["device"]
        device: Device = self.world.devices[number]
        status = self.device_status.get(number, "online")
        if status != "online":
            yield {"offline": "device_offline", "needs_attention": "device_attention"}[status]
        if self.breaker_until.get(number, now) > now:
            yield "breaker_open"
        if not is_open(now, self.world.zone, device.hours):
            yield "device_closed_hours"
        used = self.used_on(number, self.today(now)) + self.in_flight(number)
        ramp = self.ramp_cap(number, now)
        if ramp is not None and used >= ramp:
            yield "ramp"
        if device.daily_cap is not None and used >= device.daily_cap:
            yield "device_cap"
        if (
            max((a.claimed_at + a.delay for a in self.attempts if a.device == number), default=now)
            > now
            or self.device_pause.get(number, now) > now
        ):
            yield "device_pacing"
        if device.in_account and self.world.reach_cap is not None:
            reached = self.reached(now)
            if len(reached) >= self.world.reach_cap and row["lead"] not in reached:
                yield "account_cap"
        if device.platform == "cloud_api":
            wrote = self.world.leads[row["lead"]].wrote
            if wrote is None or self.world.start - wrote < now - timedelta(hours=24):
                yield "service_window_closed"
