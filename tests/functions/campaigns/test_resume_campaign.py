"""resume_campaign(): what becomes of the times, also of leads that are not planned yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb
from refusals import refusal

PAUSE = "select * from drip.pause_campaign('Raya')"
RESUME = "select * from drip.resume_campaign('Raya', %s)"
TOKYO, KUALA_LUMPUR, BERLIN = "Asia/Tokyo", "Asia/Kuala_Lumpur", "Europe/Berlin"


def raya(plant: Plant, **more: Any) -> None:
    definition = {"title": "Raya", "message": "m", "everyone": True} | more
    plant.row("select * from drip.create_campaign(%s)", Jsonb(definition))


def times(plant: Plant) -> list[tuple[str, datetime | None]]:
    return [
        (row["status"], row["scheduled_at"])
        for row in plant.rows(
            "select status, scheduled_at from drip.broadcast_messages order by lead_id"
        )
    ]


@pytest.mark.parametrize("policy", ["shift", "catch_up", "skip"])
def test_one_instant_for_all(clock: Clock, plant: Plant, policy: str) -> None:
    plant.device()
    for _ in range(2):
        plant.lead()
    raya(plant, valid_for="2 hours")
    start = clock.now
    plant.row("select * from drip.schedule_campaign('Raya', %s)", start)
    plant.row("select * from drip.expand_campaigns()")
    clock.advance(hours=1)
    plant.row(PAUSE)
    clock.advance(hours=5)

    row = plant.row(RESUME, policy)

    assert (row["outcome"], row["pending"]) == ("resumed", 2)
    # nothing became due in the pause, so there is nothing to skip
    assert (row["moved"], row["skipped"]) == (2 if policy == "shift" else 0, 0)
    at = start + timedelta(hours=5 if policy == "shift" else 0)
    assert times(plant) == [("pending", at)] * 2
    plant.tick()
    # the pause does not count for a shift; otherwise the two hours are over
    left = plant.rows(
        "select distinct status, expires_at - scheduled_at as v from drip.broadcast_messages"
    )
    assert left == [
        {"status": "pending" if policy == "shift" else "expired", "v": timedelta(hours=2)}
    ]


def test_what_became_due_in_the_pause_is_skipped(clock: Clock, plant: Plant) -> None:
    plant.device()
    for zone in (TOKYO, KUALA_LUMPUR, BERLIN):
        plant.lead(time_zone=zone)
    raya(plant, local_time_per_lead=True)
    # 10:00 of each clock: 09:00, 10:00 and 17:00 in Kuala Lumpur
    plant.row("select * from drip.schedule_campaign('Raya', p_local => '2026-03-02 10:00')")
    plant.row("select * from drip.expand_campaigns()")
    before = times(plant)
    clock.set("2026-03-02 09:30+08")
    plant.row(PAUSE)
    clock.set("2026-03-02 12:00+08")

    row = plant.row(RESUME, "skip")

    assert (row["pending"], row["moved"], row["skipped"]) == (2, 0, 1)
    assert times(plant) == [before[0], ("skipped", before[1][1]), before[2]]
    assert plant.rows(
        "select status_reason from drip.broadcast_messages where status = 'skipped'"
    ) == [{"status_reason": "skipped_by_resume"}]


@pytest.mark.parametrize("days", [0, 3])
def test_each_leads_own_clock_moves_by_whole_days(clock: Clock, plant: Plant, days: int) -> None:
    plant.device()
    for zone in (TOKYO, KUALA_LUMPUR, BERLIN):
        plant.lead(time_zone=zone)
    raya(plant, local_time_per_lead=True, valid_for="1 day")
    plant.row("select * from drip.schedule_campaign('Raya', p_local => '2026-03-02 10:00')")
    plant.row("select * from drip.expand_campaigns()")
    before = [at for _, at in times(plant) if at]
    clock.set("2026-03-02 09:30+08")
    plant.row(PAUSE)
    clock.set("2026-03-02 12:00+08")
    clock.advance(days=days)

    row = plant.row(RESUME, "shift")

    # Tokyo was under way; Kuala Lumpur's time fell into the pause; Berlin's is still to come
    assert times(plant) == [
        ("pending", before[0] + timedelta(days=days)),
        ("pending", before[1] + timedelta(days=days + 1)),
        ("pending", before[2] + timedelta(days=days)),
    ]
    assert row["moved"] == (3 if days else 1)


@pytest.mark.parametrize("policy", ["shift", "catch_up", "skip"])
@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("paused_for", [timedelta(hours=2, minutes=30), timedelta(days=3)])
def test_leads_not_planned_yet_get_the_same_times(
    clock: Clock, plant: Plant, policy: str, local: bool, paused_for: timedelta
) -> None:
    """Half of the leads are planned before the pause: the other half gets their times."""
    plant.device()
    zones = (TOKYO, KUALA_LUMPUR, BERLIN)
    for zone in zones * 2:
        plant.lead(time_zone=zone)
    raya(plant, local_time_per_lead=local)
    plant.row("select * from drip.schedule_campaign('Raya', p_local => '2026-03-02 10:00')")
    clock.set("2026-03-02 09:30+08" if local else "2026-03-02 10:30Z")
    plant.row("select * from drip.expand_campaigns(3)")
    for _ in range(2):
        plant.row(PAUSE)
        clock.set(clock.now + paused_for)
        plant.row(RESUME, policy)
        clock.advance(minutes=5)
    while plant.rows("select * from drip.expand_campaigns(3)"):
        clock.advance(minutes=1)

    found = times(plant)

    assert len(found) == 6
    assert found[3:] == found[:3]


@pytest.mark.parametrize("first", ["shift", "skip"])
def test_a_later_pause_moves_what_an_earlier_one_did(
    clock: Clock, plant: Plant, first: str
) -> None:
    """What fell into a short pause is bumped or skipped also where a long one comes after it."""
    plant.device()
    zones = (TOKYO, KUALA_LUMPUR, BERLIN)
    for zone in zones * 2:
        plant.lead(time_zone=zone)
    raya(plant, local_time_per_lead=True)
    plant.row("select * from drip.schedule_campaign('Raya', p_local => '2026-03-02 10:00')")
    clock.set("2026-03-02 09:30+08")
    plant.row("select * from drip.expand_campaigns(3)")
    for policy, length in ((first, timedelta(hours=2)), ("shift", timedelta(days=3))):
        plant.row(PAUSE)
        clock.set(clock.now + length)
        plant.row(RESUME, policy)
        clock.advance(minutes=5)
    while plant.rows("select * from drip.expand_campaigns(3)"):
        clock.advance(minutes=1)
    # a skipped one has no time that counts
    found = [(state, at if state == "pending" else None) for state, at in times(plant)]
    assert found[3:] == found[:3]
    assert found[1][0] == ("skipped" if first == "skip" else "pending")


def test_a_pause_that_ends_before_the_date_keeps_the_date(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead()
    for policy in ("catch_up", "shift", "skip"):
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": policy, "message": "m", "everyone": True}),
        )
        at = clock.now + timedelta(hours=3)
        plant.row("select * from drip.schedule_campaign(%s, %s)", policy, at)
        plant.row("select * from drip.pause_campaign(%s)", policy)
        clock.advance(hours=1)
        row = plant.row("select * from drip.resume_campaign(%s, %s)", policy, policy)
        assert row["status"] == "pending"
        clock.set(at - timedelta(seconds=1))
        assert plant.rows("select * from drip.expand_campaigns()") == []
        clock.set(at)
        plant.row("select * from drip.expand_campaigns()")
        sent_at = plant.value(
            "select m.scheduled_at from drip.broadcast_messages m join drip.campaigns c"
            " on c.id = m.campaign_id where c.title = %s",
            policy,
        )
        assert sent_at == at


def test_what_was_to_go_in_the_pause_is_planned_as_skipped(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead()
    raya(plant)
    plant.row("select * from drip.schedule_campaign('Raya', %s)", clock.now + timedelta(hours=1))
    plant.row(PAUSE)
    clock.advance(hours=2)
    plant.row(RESUME, "skip")
    plant.row("select * from drip.expand_campaigns()")
    row = plant.row("select status, status_reason from drip.broadcast_messages")
    assert row == {"status": "skipped", "status_reason": "skipped_by_resume"}
    plant.tick()
    assert plant.value("select status from drip.campaigns") == "completed"


def test_a_plain_update_shifts(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.lead()
    raya(plant)
    start = clock.now
    plant.row("select * from drip.schedule_campaign('Raya', %s)", start)
    plant.row("select * from drip.expand_campaigns()")
    plant.conn.execute("update drip.campaigns set status = 'paused'")
    clock.advance(hours=2)
    plant.conn.execute("update drip.campaigns set status = 'triggered'")
    assert times(plant) == [("pending", start + timedelta(hours=2))]


def test_wrong_policies_are_told(clock: Clock, plant: Plant) -> None:
    raya(plant)
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row(PAUSE)
    for policy in ("", "later", "shift;"):
        assert refusal(plant.conn, RESUME, policy)[0] == "DR001"
    assert plant.value("select status from drip.campaigns") == "paused"
    assert plant.row(RESUME, None)["outcome"] == "resumed"
    again = plant.row(RESUME, "skip")
    assert (again["outcome"], again["moved"], again["skipped"]) == ("already_running", 0, 0)


@pytest.mark.parametrize(
    ("paused", "resumed", "at"),
    [
        ("2026-03-02 09:00+08", "2026-03-03 10:01+08", "2026-03-03 10:01+08"),
        ("2026-03-02 09:00+08", "2026-03-03 09:59+08", "2026-03-03 10:00+08"),
        ("2026-03-03 10:30+08", "2026-03-03 11:00+08", "2026-03-03 10:30+08"),
    ],
)
def test_a_pause_before_the_start_moves_by_what_it_held(
    clock: Clock, plant: Plant, paused: str, resumed: str, at: str
) -> None:
    """And the answer names both times."""
    plant.device()
    plant.lead()
    raya(plant)
    start = clock.read("2026-03-03 10:00+08")
    plant.row("select * from drip.schedule_campaign('Raya', %s)", start)
    clock.set(paused)
    plant.row(PAUSE)
    clock.set(resumed)
    foretold = plant.value(
        "select first_at from drip.preview_campaign('Raya') where kind = 'audience'"
    )
    row = plant.row(RESUME, "shift")
    assert (row["scheduled_before"], row["scheduled_at"]) == (start, clock.read(at))
    assert foretold == max(clock.read(at), clock.read(resumed))
    clock.set(foretold)
    plant.row("select * from drip.expand_campaigns()")
    assert len(plant.claim()) == 1
