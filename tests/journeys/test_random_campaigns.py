"""Random histories of a campaign against a small model of its times.

Planning in parts, pauses and resumes of every policy, new times, claims with retries and crashes in
any order: each lead has the time that the model says, whenever its message was planned.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

ZONES = ("UTC", "Asia/Tokyo", "Asia/Kuala_Lumpur", "Europe/Berlin", "Pacific/Honolulu")
LEADS = 10
DAY = timedelta(days=1)


class Model:
    """When each lead's message is to go; none that are skipped or done."""

    def __init__(self, leads: dict[int, ZoneInfo], at: datetime, local: bool) -> None:
        self.zones, self.local = leads, local
        self.times: dict[int, datetime] = {}
        self.skipped: set[int] = set()
        self.done: set[int] = set()
        self.planned: set[int] = set()
        self.paused_at: datetime | None = None
        self.set_time(at)

    def waiting(self) -> set[int]:
        return self.zones.keys() - self.skipped - self.done

    def set_time(self, at: datetime) -> None:
        self.skipped &= self.planned
        # by each lead's own clock, the first zone is up to 26 hours ahead
        self.begins = at - timedelta(hours=26 if self.local else 0)
        wall = at.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
        for lead in self.waiting():
            self.times[lead] = wall.replace(tzinfo=self.zones[lead]) if self.local else at

    def resume(self, policy: str, now: datetime) -> None:
        assert self.paused_at is not None
        start, self.paused_at = self.paused_at, None
        if policy == "shift" and not self.planned:
            # a pause holds something from the date of the campaign on
            start = max(start, self.begins)
            if now < start:
                return
        length = now - start
        if policy == "shift":
            self.begins += length // DAY * DAY if self.local else length
        for lead in self.waiting():
            at = self.times[lead]
            fell_into_it = start < at <= now
            if policy == "skip" and fell_into_it:
                self.skipped.add(lead)
            elif policy == "shift" and not self.local:
                self.times[lead] = at + length
            elif policy == "shift":
                zone = self.zones[lead]
                wall = at.astimezone(zone).replace(tzinfo=None) + length // DAY * DAY
                moved = wall.replace(tzinfo=zone)
                while at > start and moved <= now:
                    wall += DAY
                    moved = wall.replace(tzinfo=zone)
                self.times[lead] = moved


@pytest.mark.parametrize("seed", range(24))
def test_times_follow_the_model(clock: Clock, plant: Plant, seed: int) -> None:
    chance = random.Random(seed)
    local = seed % 2 == 1
    for _ in range(2):
        plant.device(burst=5)
    zones = [chance.choice(ZONES) for _ in range(LEADS)]
    leads = {plant.lead(time_zone=zone): ZoneInfo(zone) for zone in zones}
    start = clock.now.replace(hour=10) + timedelta(hours=chance.randrange(-5, 40))
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Hi", "everyone": True, "local_time_per_lead": local}),
    )
    plant.row("select * from drip.schedule_campaign('Raya', %s)", max(start, clock.now))
    model = Model(leads, max(start, clock.now), local)

    def expand() -> None:
        if model.paused_at is None:
            plant.rows("select * from drip.expand_campaigns(%s)", chance.choice([2, 3, 5]))

    def pause_or_resume() -> None:
        if model.paused_at is None:
            plant.row("select * from drip.pause_campaign('Raya')")
            model.paused_at = clock.now
        else:
            policy = chance.choice(["shift", "catch_up", "skip"])
            plant.row("select * from drip.resume_campaign('Raya', %s)", policy)
            model.resume(policy, clock.now)

    def new_time() -> None:
        at = clock.now + timedelta(minutes=chance.randrange(-300, 3000))
        plant.rows(
            "select * from drip.update_campaign('Raya', %s)",
            Jsonb({"scheduled_at": at.isoformat()}),
        )
        model.set_time(at)
        if model.paused_at is not None:
            model.paused_at = clock.now

    def claim() -> None:
        plant.wake()
        for row in plant.claim():
            message = plant.message_row(row["message_id"])
            lead = message["lead_id"]
            assert model.paused_at is None
            assert lead in model.waiting()
            assert model.times[lead] <= clock.now
            if message["failures"] < 2 and chance.random() < 0.3:
                plant.answer(row, "retry", scope="recipient", retry_after_seconds=600)
            else:
                plant.answer(row)
                model.done.add(lead)

    def advance() -> None:
        clock.advance(minutes=chance.choice([1, 30, 200, 900, 2000]))

    def check() -> None:
        rows = plant.rows("select lead_id, status, scheduled_at from drip.broadcast_messages")
        model.planned = {row["lead_id"] for row in rows}
        assert len(rows) == len(model.planned)
        told = {row["lead_id"] for row in rows if row["status"] == "skipped"}
        assert told == model.skipped & model.planned
        assert {row["lead_id"] for row in rows if row["status"] == "sent"} == model.done
        for row in rows:
            if row["status"] == "pending":
                assert row["scheduled_at"] == model.times[row["lead_id"]], row

    deeds: list[Callable[[], None]] = [expand, pause_or_resume, new_time, claim, advance]
    for _ in range(40):
        if plant.value("select status from drip.campaigns") == "completed":
            break
        if chance.random() < 0.2:  # a crash before the commit
            with plant.rolled_back():
                plant.rows("select * from drip.expand_campaigns(3)")
                plant.rows("update drip.campaigns set status = 'cancelled' returning id")
        chance.choices(deeds, weights=[3, 3, 1, 3, 4])[0]()
        check()
    if model.paused_at is not None:
        pause_or_resume()
    for _ in range(200):
        if plant.value("select status from drip.campaigns") == "completed":
            break
        expand()
        claim()
        check()
        clock.advance(hours=6)
        plant.tick()
        check()
    assert model.planned == leads.keys()
    assert model.done | model.skipped == leads.keys()
