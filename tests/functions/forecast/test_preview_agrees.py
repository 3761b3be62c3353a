"""preview_campaign() and forecast_device() against a play of the real functions.

The same worlds each time. A thousand of them for each:
make test ARGS='--hypothesis-profile=thorough tests/functions/forecast/test_preview_agrees.py'
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from factory import Clock, Plant, Row
from hypothesis import settings
from psycopg.types.json import Jsonb

DAY = timedelta(days=1)
ZONES = ["Asia/Kuala_Lumpur", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"]
# a Friday, the eve of two changes of the clocks, the last of a year
STARTS = ["2026-03-06 03:10", "2026-03-07 20:00", "2026-03-28 12:00", "2026-12-31 08:30"]
WINDOWS: list[Row] = [
    {},
    {"send_from": "09:00", "send_to": "11:00"},
    {"send_from": "20:30", "send_to": "01:15"},
    {"send_from": "08:00", "send_to": "18:00", "send_days": [1, 2, 3, 4, 5]},
    {"send_days": [2, 6]},
]


def groups(first: int, few: int) -> list[range]:
    """Seeds, some for each test: what a session has planned once, it does faster again."""
    count, size = few, 4
    if settings.get_current_profile_name() == "thorough":
        count, size = settings().max_examples, 50
    end = first + count
    return [range(at, min(at + size, end)) for at in range(first, end, size)]


class World:
    """A tenant with devices, leads, messages that wait, and a draft."""

    def __init__(self, clock: Clock, plant: Plant, seed: int, spread: int) -> None:
        self.clock, self.plant = clock, plant
        chance = self.chance = random.Random(seed)
        clock.set(chance.choice(STARTS))
        zones = chance.sample(ZONES, 2)
        window = chance.choice(WINDOWS)
        plant.tenant(
            time_zone=zones[0], **{key: value for key, value in window.items() if chance.random()}
        )
        self.devices = []
        for number in range(chance.randint(1, 3)):
            delay = chance.choice([0, 7, 60, 1800, 3700])
            settings: Row = {
                "min_delay_seconds": delay,
                "max_delay_seconds": delay + chance.choice([0, spread]),
                "in_pool": number == 0 or chance.random() < 0.8,
            }
            if chance.random() < 0.3:
                settings["daily_cap"] = chance.randint(1, 6)
            if chance.random() < 0.2:
                settings["ramp"] = [1, 3, 4]
                settings["ramp_started_on"] = (clock.now + chance.randint(-2, 3) * DAY).strftime(
                    "%Y-%m-%d"
                )
            if chance.random() < 0.3:
                settings |= {"active_from": "07:30", "active_to": chance.choice(["19:00", "02:00"])}
            if chance.random() < 0.15:
                settings["status"] = chance.choice(["disabled", "offline"])
                settings["status_reason"] = "test"
            self.devices.append(plant.device(f"device {number}", **settings))
        self.leads = [
            plant.lead(
                device_id=chance.choice([None, None, chance.choice(self.devices)]),
                time_zone=chance.choice([None, None, zones[1]]),
            )
            for _ in range(chance.randint(3, 25))
        ]
        for lead in self.leads:
            if chance.random() < 0.1:
                plant.suppress(self.phone(lead), chance.choice(["all", "marketing"]))
            elif chance.random() < 0.1:
                until = chance.choice(["infinity", clock.now + 2 * DAY])
                plant.row("select * from drip.pause_lead(%s, %s)", self.phone(lead), until)
        plant.conn.execute(
            "create view every_third as"
            " select l.id as lead_id from drip.leads l where l.id % 3 = 0;"
            " grant select on every_third to drip_guard; grant usage on schema public to drip_guard"
        )
        plant.row("select * from drip.register_audience('every_third', 100)")
        for _ in range(chance.randint(0, 8)):
            plant.row(
                "select * from drip.send_message(%s, 'Hello', %s, p_at => %s)",
                self.phone(chance.choice(self.leads)),
                chance.choice(["utility", "marketing"]),
                clock.now + chance.choice([0, 1, 5, 30]) * timedelta(hours=1),
            )

    def phone(self, lead: int) -> str:
        return str(self.plant.value("select phone from drip.leads where id = %s", lead))

    def draft(self, title: str) -> datetime:
        """A random campaign; the time for which it is meant."""
        chance = self.chance
        at = self.clock.now + chance.choice([0, 1, 9, 40, 100]) * timedelta(hours=1)
        delay = chance.choice([None, 30, 4000])
        definition: Row = {
            "title": title,
            "message": "News",
            "everyone": True,
            "scheduled_at": at.isoformat(),
            "local_time_per_lead": chance.random() < 0.3,
            **chance.choice(WINDOWS),
        }
        if delay is not None:
            longest = chance.choice([delay, 3 * delay])
            definition |= {"min_delay_seconds": delay, "max_delay_seconds": longest}
        if chance.random() < 0.3:
            definition["valid_for"] = chance.choice(["30 minutes", "20 hours", "3 days"])
        if chance.random() < 0.3:
            definition["per_device_limit"] = chance.randint(1, 8)
        if chance.random() < 0.3:
            definition["category"] = "utility"
        if chance.random() < 0.3:
            definition["devices"] = [
                self.plant.value("select name from drip.user_devices where id = %s", device)
                for device in chance.sample(self.devices, chance.randint(1, len(self.devices)))
            ]
        if chance.random() < 0.2:
            definition["priority"] = 2
        if chance.random() < 0.3:
            definition["exclude"] = "every_third"
        self.plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))
        return at

    def play(self, told: Iterable[datetime | None]) -> list[Row]:
        """What leaves, by the real functions with a moved clock, until days after the last told."""
        last = max((at for at in told if at is not None), default=self.clock.now)
        rows = self.plant.rows("select * from drip.simulate(p_until => %s)", last + 3 * DAY)
        assert rows[-1]["note"] == "p_until", rows[-1]
        return rows


def shown(plant: Plant, title: str) -> list[Row]:
    return plant.rows("select * from drip.preview_campaign(%s)", title)


def parts(rows: list[Row], kind: str) -> Counter[str]:
    return Counter({row["reason"]: row["messages"] for row in rows if row["kind"] == kind})


def times(rows: list[Row]) -> dict[str, tuple[int, datetime, datetime]]:
    """What leaves each device: how many, the first, the last."""
    found: dict[str, list[datetime]] = {}
    for row in rows:
        found.setdefault(row["device"], []).append(row["at"].astimezone(UTC))
    return {name: (len(at), min(at), max(at)) for name, at in found.items()}


def told(rows: list[Row]) -> dict[str, tuple[int, datetime, datetime]]:
    return {
        row["subject"]: (row["evidence"]["leaves"], row["first_at"], row["ends_at"])
        for row in rows
        if row["kind"] == "device" and row["ends_at"] is not None
    }


def agrees(plant: Plant, rows: list[Row], played: list[Row], title: str) -> None:
    mine = [
        row for row in played if row["kind"] == "message" and row["source"] == f"campaign {title}"
    ]
    assert told(rows) == times(mine)
    days = {row["subject"]: row["messages"] for row in rows if row["kind"] == "day"}
    assert days == dict(Counter(row["local_at"].date().isoformat() for row in mine))
    audience = rows[0]
    buckets = ("excluded", "done", "drops", "waits", "expires", "left", "leaves")
    assert audience["messages"] == sum(row["messages"] for row in rows if row["kind"] in buckets)
    assert sum(parts(rows, "leaves").values()) == len(mine)
    if mine:
        assert audience["ends_at"] == max(row["at"] for row in mine)


@pytest.mark.parametrize("seeds", groups(0, 12), ids=str)
def test_before_it_is_scheduled(clock: Clock, plant: Plant, seeds: range) -> None:
    """Delays are drawn by contact and campaign, so they are known before there are messages."""
    for seed in seeds:
        with plant.rolled_back():
            print(f"seed {seed}")
            look_before(World(clock, plant, seed, spread=500))


def look_before(world: World) -> None:
    plant, title = world.plant, "B"
    if world.chance.random() < 0.4:
        world.draft("A")
        plant.row("select * from drip.schedule_campaign('A')")
        if world.chance.random() < 0.5:
            plant.tick()
    world.draft(title)

    rows = shown(plant, title)
    [scheduled] = plant.rows("select * from drip.schedule_campaign(%s)", title)

    assert rows[0]["ends_at"] == scheduled["estimated_end"]
    agrees(plant, rows, world.play(row["ends_at"] for row in rows), title)


@pytest.mark.parametrize("seeds", groups(1000, 12), ids=str)
def test_what_is_planned(clock: Clock, plant: Plant, seeds: range) -> None:
    """Delays drawn at random: with the ids they are known, and each device's days are exact."""
    for seed in seeds:
        with plant.rolled_back():
            print(f"seed {seed}")
            look_at_devices(World(clock, plant, seed, spread=500))


def look_at_devices(world: World) -> None:
    plant, clock = world.plant, world.clock
    for title in ("A", "B")[: world.chance.randint(1, 2)]:
        world.draft(title)
        plant.row("select * from drip.schedule_campaign(%s)", title)
    clock.advance(hours=world.chance.choice([0, 30, 130]))
    plant.tick()
    plant.tick()
    planned = plant.value(
        "select count(*) = 0 from drip.campaigns where status = 'pending' or expanded_at is null"
    )
    if not planned:
        clock.advance(hours=130)
        plant.tick()
        plant.tick()

    told_of = {
        device["name"]: plant.rows("select * from drip.forecast_device(%s)", device["name"])
        for device in plant.rows("select name from drip.user_devices")
    }

    times_told = (row["last_at"] for rows in told_of.values() for row in rows)
    played = [row for row in world.play(times_told) if row["kind"] == "message"]
    for name, rows in told_of.items():
        mine = [row for row in played if row["device"] == name]
        head = rows[0]
        assert head["messages"] == sum(
            row["messages"] for row in rows if row["kind"] not in ("device", "source")
        )
        if head["reason"] in ("device_disabled", "device_offline"):
            assert mine == []
            continue
        if mine:
            assert (head["first_at"], head["last_at"]) == (mine[0]["at"], mine[-1]["at"])
        left = Counter((row["local_at"].date(), row["source"]) for row in mine)
        assert left == Counter(
            {
                (row["local_day"], row["source"]): row["messages"]
                for row in rows
                if row["kind"] == "source" and row["messages"]
            }
        )
