"""Three days in which nothing leaves, in the middle of many journeys; then life goes on.

No burst: each device keeps its pace. Nobody is hurried: each contact's steps keep their order, and
no two come closer than the plan spaced them. Everybody finishes, and what had a validity that ran
out is shown as expired. A thousand journeys on twenty devices:
make test ARGS='--hypothesis-profile=thorough tests/journeys/test_outage.py'
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from factory import Clock, Plant
from hypothesis import settings

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
# fifty to a device
LEADS, DEVICES = (1_000, 20) if settings.get_current_profile_name() == "thorough" else (250, 5)
HERE = ZoneInfo("Asia/Kuala_Lumpur")
STEPS = [{"content": str(step)} for step in range(1, 6)]

ATTEMPTS = """
select a.device_id, a.claimed_at, a.delay_seconds
from drip.message_attempts a
order by a.device_id, a.claimed_at
"""
SENDS = """
select m.sequence_contact_id as journey, st.day_number as step, m.sent_at, m.planned_at
from drip.broadcast_messages m
join drip.sequence_steps st on st.id = m.sequence_stepid
where m.status = 'sent'
order by m.sequence_contact_id, m.sent_at, st.day_number
"""
OUTCOMES = """
select st.day_number as step, m.status, m.status_reason, count(*)::integer as messages
from drip.broadcast_messages m
join drip.sequence_steps st on st.id = m.sequence_stepid
group by 1, 2, 3
"""


def work(clock: Clock, plant: Plant, until: datetime) -> None:
    """A worker's life in steps of a minute, by batches; from one due time to the next while idle.

    At least every six hours something looks: sweeps have times of their own.
    """
    ticked = None
    while clock.now < until:
        if ticked is None or clock.now >= ticked + HOUR:
            plant.tick()
            ticked = clock.now
        plant.wake()
        claimed = plant.claim(1000)
        if claimed:
            plant.record(
                *(
                    {
                        "message_id": row["message_id"],
                        "attempt": row["attempt"],
                        "outcome": "accepted",
                        "provider_message_id": f"id-{row['message_id']}",
                    }
                    for row in claimed
                )
            )
            clock.set(min(clock.now + MINUTE, until))
            continue
        upcoming = plant.value(
            "select min(greatest(m.due_at, p.next_send_at)) from drip.broadcast_messages m"
            " join drip.device_pacing p on p.device_id = m.device_id"
            " where m.status = 'pending' and greatest(m.due_at, p.next_send_at) > drip.now()"
        )
        clock.set(min(upcoming or until, clock.now + 6 * HOUR, until))


def planted(clock: Clock, plant: Plant, *steps: dict[str, Any]) -> None:
    """A journey for each lead, from Monday nine, in a window of nine hours."""
    plant.tenant(time_zone=HERE.key, send_from="09:00", send_to="18:00")
    for _ in range(DEVICES):
        plant.device(min_delay_seconds=20, max_delay_seconds=60)
    sequence = plant.sequence(*steps)
    phones = [f"+60127{number:06d}" for number in range(LEADS)]
    rows = plant.rows("select * from drip.enroll_leads(%s, %s)", str(sequence), phones)
    assert Counter(row["outcome"] for row in rows) == {"enrolled": LEADS}
    plant.conn.execute("analyze")


def workers_down(clock: Clock, plant: Plant, until: datetime) -> None:
    """As if worker and database were not there."""
    clock.set(until)


def devices_offline(clock: Clock, plant: Plant, until: datetime) -> None:
    """The worker goes on looking, and no device can send."""
    plant.conn.execute("update drip.user_devices set status = 'offline'")
    work(clock, plant, until)
    plant.conn.execute("update drip.user_devices set status = 'online'")


def check(plant: Plant) -> dict[int, Counter[str]]:
    """Pace, window, order and distance of everything that left; statuses by step."""
    attempts = plant.rows(ATTEMPTS)
    for before, after in itertools.pairwise(attempts):
        if before["device_id"] == after["device_id"]:
            gap = (after["claimed_at"] - before["claimed_at"]).total_seconds()
            assert gap >= before["delay_seconds"], (before, after)
    hours = {row["claimed_at"].astimezone(HERE).hour for row in attempts}
    assert hours <= set(range(9, 18))

    journeys: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in plant.rows(SENDS):
        journeys[row["journey"]].append(row)
    assert len(journeys) == LEADS
    for sends in journeys.values():
        for before, after in itertools.pairwise(sends):
            assert after["step"] > before["step"]
            planned = after["planned_at"] - before["planned_at"]
            assert after["sent_at"] - before["sent_at"] >= planned, (before, after)

    ends = plant.rows("select distinct status from drip.sequence_contacts")
    assert [row["status"] for row in ends] == ["completed"]
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for row in plant.rows(OUTCOMES):
        found[row["step"]][row["status"]] += row["messages"]
        assert row["status_reason"] == ("expired" if row["status"] == "expired" else None)
    return found


@pytest.mark.exhaustive
@pytest.mark.lesson(19, story=True)
@pytest.mark.parametrize("outage", [workers_down, devices_offline])
def test_three_days_without_a_send(clock: Clock, plant: Plant, outage: Any) -> None:
    """It begins while the second step is going out."""
    planted(clock, plant, *STEPS)
    start = clock.now
    work(clock, plant, start + DAY + 20 * MINUTE)
    halfway = plant.value("select count(*) from drip.broadcast_messages where status = 'sent'")
    assert LEADS < halfway < 2 * LEADS
    outage(clock, plant, start + 4 * DAY + 20 * MINUTE)
    assert halfway == plant.value(
        "select count(*) from drip.broadcast_messages where status = 'sent'"
    )
    work(clock, plant, start + 12 * DAY)
    assert check(plant) == {step: {"sent": LEADS} for step in range(1, 6)}


@pytest.mark.exhaustive
def test_what_was_valid_for_a_day_is_expired_and_holds_nobody_up(
    clock: Clock, plant: Plant
) -> None:
    """It begins while the first step is going out; the second would have been void by then."""
    steps = [dict(step) for step in STEPS]
    steps[1]["valid_for"] = "1 day"
    planted(clock, plant, *steps)
    start = clock.now
    work(clock, plant, start + 20 * MINUTE)
    workers_down(clock, plant, start + 3 * DAY + 20 * MINUTE)
    work(clock, plant, start + 12 * DAY)
    found = check(plant)
    assert found[2] == {"expired": LEADS}
    assert plant.value("select messages_expired from drip.sequence_overview") == LEADS
    assert {step: found[step] for step in (1, 3, 4, 5)} == {
        step: {"sent": LEADS} for step in (1, 3, 4, 5)
    }
