"""sweep_campaigns(): a large campaign follows its status in chunks, and nothing shows it."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Plant, Row
from psycopg.types.json import Jsonb

LEADS = 5_010  # more than follow in the statement itself
SWEEP = "select * from drip.sweep_campaigns(%s)"


@pytest.fixture
def large(clock: Clock, plant: Plant) -> int:
    """A campaign of many leads on two devices, planned; a small one behind it on the same."""
    for _ in range(2):
        plant.device()
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, niche, created_at, updated_at)"
        " select %s, '+60' || (111000000 + g), 'many', drip.now(), drip.now()"
        " from generate_series(1, %s) g",
        [plant.user, LEADS],
    )
    for title, niche in (("large", "many"), ("small", "few")):
        if niche == "few":
            clock.advance(minutes=1)
            for _ in range(2):
                plant.lead(niche="few")
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": title, "message": title, "niche": niche, "valid_for": "1 hour"}),
        )
        plant.row("select * from drip.schedule_campaign(%s)", title)
        while plant.rows("select * from drip.expand_campaigns(3000)"):
            pass
    return int(plant.value("select id from drip.campaigns where title = 'large'"))


def verb(plant: Plant, name: str, *arguments: str) -> Row:
    marks = ", ".join(["'large'", *(["%s"] * len(arguments))])
    return plant.row(f"select * from drip.{name}_campaign({marks})", *arguments)


def sweep_all(plant: Plant, chunk: int = 2000) -> list[Row]:
    rows = []
    while found := plant.rows(SWEEP, chunk):
        rows += found
        if not found[0]["remaining"]:
            break
    return rows


def texts(plant: Plant) -> list[str]:
    """What leaves in one claim."""
    plant.wake()
    claimed = plant.claim()
    for row in claimed:
        plant.answer(row)
    return [row["content"] for row in claimed]


def states(plant: Plant, campaign: int) -> dict[str, int]:
    rows = plant.rows(
        "select status, count(*)::int as n from drip.broadcast_messages where campaign_id = %s"
        " group by 1",
        campaign,
    )
    return {row["status"]: row["n"] for row in rows}


def test_a_pause_holds_at_once(clock: Clock, plant: Plant, large: int) -> None:
    row = verb(plant, "pause")
    assert (row["outcome"], row["pending"]) == ("paused", LEADS)
    reasons = (
        "select distinct o.reason from drip.message_outlook o"
        " join drip.broadcast_messages m on m.id = o.message_id where m.campaign_id = %s"
    )
    # before any row has followed
    assert plant.rows(reasons, large) == [{"reason": "campaign_paused"}]
    # the one behind it goes on
    assert texts(plant) == ["small", "small"]

    rows = sweep_all(plant)

    assert {r["kind"] for r in rows} == {"hold"}
    assert sum(r["swept"] for r in rows) == LEADS
    assert [r["remaining"] for r in rows] == [1, 1, 0]
    assert plant.rows(reasons, large) == [{"reason": "campaign_paused"}]
    assert (
        plant.value("select count(*) from drip.broadcast_messages where not_before = 'infinity'")
        == LEADS
    )
    assert texts(plant) == []


def test_nothing_expires_behind_a_pause_or_before_its_resume(
    clock: Clock, plant: Plant, large: int
) -> None:
    verb(plant, "pause")
    clock.advance(hours=5)
    assert plant.value("select drip._expire_messages(10)") == 2  # the small one's
    verb(plant, "resume")
    assert plant.value("select drip._expire_messages(10)") == 0
    sweep_all(plant)
    assert plant.value("select drip._expire_messages(10)") == 0
    assert states(plant, large) == {"pending": LEADS}


@pytest.mark.parametrize("swept", [0, 1, 3])
def test_a_resume_frees_all(clock: Clock, plant: Plant, large: int, swept: int) -> None:
    """However far the pause had come."""
    start = plant.value("select scheduled_at from drip.campaigns where id = %s", large)
    verb(plant, "pause")
    for _ in range(swept):
        plant.rows(SWEEP, 2000)
    clock.advance(minutes=30)

    row = verb(plant, "resume")

    assert (row["outcome"], row["pending"], row["moved"]) == ("resumed", LEADS, LEADS)
    # what it has not reached yet does not leave with its old time
    assert texts(plant) == ["small", "small"]
    plant.row(SWEEP, 100)
    [told] = [
        row
        for row in plant.rows("select * from drip.explain_campaign('large')")
        if row["subject"] == "sweep"
    ]
    assert (told["status"], told["messages"]) == ("free", LEADS - 100)
    assert "resume" in told["sentence"]
    assert texts(plant) == ["large", "large"]
    sweep_all(plant)
    left = plant.rows(
        "select distinct scheduled_at, expires_at, not_before, deferred_reason"
        " from drip.broadcast_messages where campaign_id = %s and status = 'pending'",
        large,
    )
    at = start + timedelta(minutes=30)
    assert left == [
        {
            "scheduled_at": at,
            "expires_at": at + timedelta(hours=1),
            "not_before": None,
            "deferred_reason": None,
        }
    ]
    row = plant.row(
        "select sweeps, swept_to_lead_id, freed_to_lead_id from drip.campaigns where id = %s", large
    )
    assert row == {"sweeps": None, "swept_to_lead_id": 0, "freed_to_lead_id": None}


def test_a_chunk_that_is_rolled_back_is_done_again(clock: Clock, plant: Plant, large: int) -> None:
    start = plant.value("select scheduled_at from drip.campaigns where id = %s", large)
    verb(plant, "pause")
    sweep_all(plant)
    clock.advance(minutes=10)
    verb(plant, "resume")
    while True:
        with plant.rolled_back():
            plant.rows(SWEEP, 1000)
        if not plant.rows(SWEEP, 1000):
            break
    assert plant.rows(
        "select distinct scheduled_at from drip.broadcast_messages where campaign_id = %s", large
    ) == [{"scheduled_at": start + timedelta(minutes=10)}]


def test_pauses_in_a_row_add_up(clock: Clock, plant: Plant, large: int) -> None:
    """A second pause and resume come before the first is written."""
    start = plant.value("select scheduled_at from drip.campaigns where id = %s", large)
    for minutes in (10, 5, 20):
        verb(plant, "pause")
        clock.advance(minutes=minutes)
        verb(plant, "resume")
        plant.row(SWEEP, 700)
        clock.advance(minutes=1)
    verb(plant, "pause")
    clock.advance(minutes=2)
    kinds = [row["kind"] for row in sweep_all(plant)]
    assert kinds == sorted(kinds)  # free before hold
    assert (
        plant.value("select count(*) from drip.broadcast_messages where not_before = 'infinity'")
        == LEADS
    )
    verb(plant, "resume", "catch_up")
    sweep_all(plant)
    assert plant.rows(
        "select distinct scheduled_at from drip.broadcast_messages where campaign_id = %s", large
    ) == [{"scheduled_at": start + timedelta(minutes=35)}]
    assert plant.value("select sweeps from drip.campaigns where id = %s", large) is None


def test_a_skip_skips_what_it_has_not_reached(clock: Clock, plant: Plant, large: int) -> None:
    plant.conn.execute(
        "update drip.broadcast_messages set scheduled_at = scheduled_at + interval '2 hours'"
        " where campaign_id = %s and lead_id %% 2 = 0",
        [large],
    )
    verb(plant, "pause")
    clock.advance(hours=3)
    row = verb(plant, "resume", "skip")
    assert (row["pending"], row["moved"], row["skipped"]) == (LEADS // 2, 0, LEADS // 2)
    sweep_all(plant)
    assert states(plant, large) == {"pending": LEADS // 2, "skipped": LEADS // 2}


@pytest.mark.parametrize("before", [(), ("pause",), ("pause", "resume")])
def test_a_cancel_is_told_at_once(
    clock: Clock, plant: Plant, large: int, before: tuple[str, ...]
) -> None:
    for name in before:
        verb(plant, name)
        plant.rows(SWEEP, 1000)
    row = verb(plant, "cancel", "wrong text")
    assert (row["outcome"], row["changed"]) == ("cancelled", LEADS)

    def told() -> list[Row]:
        overview = "select messages, messages_pending as pending, messages_cancelled as cancelled"
        return [
            plant.row(f"{overview} from drip.campaign_overview where campaign_id = %s", large),
            plant.row(
                "select status, reason, messages from drip.queue_overview"
                " where reason = 'campaign_cancelled'"
            ),
            plant.row(
                "select status, status_reason, count(*) as n from drip.message_log"
                " where campaign_id = %s group by 1, 2",
                large,
            ),
        ]

    at_once = told()
    assert at_once == [
        {"messages": LEADS, "pending": 0, "cancelled": LEADS},
        {"status": "cancelled", "reason": "campaign_cancelled", "messages": LEADS},
        {"status": "cancelled", "status_reason": "campaign_cancelled", "n": LEADS},
    ]
    assert texts(plant) == ["small", "small"]
    rows = sweep_all(plant)
    assert {r["kind"] for r in rows} == {"cancel"}
    assert told() == at_once
    assert states(plant, large) == {"cancelled": LEADS}
    assert plant.rows(SWEEP, 1000) == []


def test_what_somebody_holds_is_cancelled_later(
    clock: Clock, plant: Plant, large: int, connect: Connect
) -> None:
    held = plant.value(
        "select id from drip.broadcast_messages where campaign_id = %s order by id limit 1", large
    )
    application = clock.join(connect(autocommit=False))
    application.execute(
        "select from drip.broadcast_messages where id = %s for no key update", [held]
    )
    verb(plant, "cancel")
    for _ in range(8):
        plant.rows(SWEEP, 2000)
    assert states(plant, large) == {"pending": 1, "cancelled": LEADS - 1}
    assert plant.row(SWEEP, 100_000)["remaining"] == 0
    application.rollback()
    plant.tick()
    assert states(plant, large) == {"cancelled": LEADS}


def test_a_resume_stops_before_what_somebody_holds(
    clock: Clock, plant: Plant, large: int, connect: Connect
) -> None:
    start = plant.value("select scheduled_at from drip.campaigns where id = %s", large)
    verb(plant, "pause")
    clock.advance(minutes=10)
    verb(plant, "resume")
    held = plant.value(
        "select id from drip.broadcast_messages where campaign_id = %s"
        " order by lead_id offset 2500 limit 1",
        large,
    )
    application = clock.join(connect(autocommit=False))
    application.execute(
        "select from drip.broadcast_messages where id = %s for no key update", [held]
    )
    assert plant.row(SWEEP, 2000)["swept"] == 2000
    row = plant.row(SWEEP, 2000)
    assert (row["swept"], row["remaining"]) == (500, 0)
    assert plant.row(SWEEP, 2000)["swept"] == 0
    application.rollback()
    sweep_all(plant)
    assert plant.rows(
        "select distinct scheduled_at from drip.broadcast_messages where campaign_id = %s", large
    ) == [{"scheduled_at": start + timedelta(minutes=10)}]


def test_planning_waits_for_a_resume(clock: Clock, plant: Plant, large: int) -> None:
    """What is planned after a resume has its time already, and is not moved once more."""
    plant.conn.execute(
        "insert into drip.leads (user_id, phone, niche, created_at, updated_at)"
        " select %s, '+60' || (122000000 + g), 'late', drip.now(), drip.now()"
        " from generate_series(1, 5500) g",
        [plant.user],
    )
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "late", "message": "late", "niche": "late"}),
    )
    at = plant.row("select * from drip.schedule_campaign('late')")["scheduled_at"]
    plant.row("select * from drip.expand_campaigns(5200)")
    plant.row("select * from drip.pause_campaign('late')")
    clock.advance(minutes=10)
    plant.row("select * from drip.resume_campaign('late')")
    assert plant.rows("select * from drip.expand_campaigns()") == []
    sweep_all(plant)
    row = plant.row("select * from drip.expand_campaigns()")
    assert (row["inserted"], row["audience"]) == (300, 5500)
    assert plant.rows(
        "select distinct m.scheduled_at from drip.broadcast_messages m join drip.campaigns c"
        " on c.id = m.campaign_id where c.title = 'late'"
    ) == [{"scheduled_at": at + timedelta(minutes=10)}]


def test_applications_may_not_call_it(clock: Clock, plant: Plant, connect: Connect) -> None:
    session = connect(role="drip_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(SWEEP.encode(), [10])
