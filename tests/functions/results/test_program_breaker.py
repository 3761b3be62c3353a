"""A program that fails too many of its contacts pauses itself: more than 20 % of at least 50."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest
from factory import Clock, Connect, Connection, Plant, Row
from psycopg.types.json import Jsonb

FAILED_ALIKE = "messages failed for reasons of their contacts"


@pytest.fixture
def device(clock: Clock, plant: Plant) -> int:
    """A device that takes everything at once, with a breaker of its own that never opens."""
    plant.tenant(breaker_sample=100_000)
    return plant.device(burst=1000)


def results(claimed: Iterable[Row], outcomes: str, **more: Any) -> list[Row]:
    """One result per letter: a accepted, f refused, u unknown, d an error of the device."""
    words: dict[str, Row] = {
        "a": {"outcome": "accepted"},
        "f": {"outcome": "permanent"},
        "u": {"outcome": "unknown"},
        "d": {"outcome": "permanent", "scope": "device", "error_code": "AUTHENTICATION_ERROR"},
        "r": {"outcome": "retry"},
    }
    return [
        {"message_id": row["message_id"], "attempt": row["attempt"]} | words[letter] | more
        for row, letter in zip(claimed, outcomes, strict=True)
    ]


def campaign_with(plant: Plant, device: int, count: int) -> int:
    campaign = plant.campaign(expanded_at=plant.now())
    for _ in range(count):
        plant.message(device, campaign_id=campaign, priority=3, category="marketing")
    return campaign


def claim(plant: Plant, count: int) -> list[Row]:
    """Exactly that many, in as many claims as it takes."""
    claimed: list[Row] = []
    while len(claimed) < count:
        plant.wake()
        more = plant.claim(limit=count - len(claimed))
        assert more
        claimed += more
    return claimed


def answer(plant: Plant, outcomes: str, batch: int = 1000) -> None:
    """Claim as many as there are letters, and record them in batches."""
    claimed = claim(plant, len(outcomes))
    for at in range(0, len(claimed), batch):
        some = slice(at, at + batch)
        plant.record(*results(claimed[some], outcomes[some]))


def state(plant: Plant, campaign: int) -> Row:
    return plant.row("select status, status_reason from drip.campaigns where id = %s", campaign)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ("f" * 49, "triggered"),  # below the sample
        ("a" * 40 + "f" * 10, "triggered"),  # exactly a fifth
        ("a" * 39 + "f" * 11, "paused"),
        ("f" * 11 + "a" * 39, "triggered"),  # judged when one fails
        ("f" * 11 + "a" * 38 + "f", "paused"),
        ("a" * 30 + "u" * 30 + "f" * 10, "triggered"),  # an unknown is no result yet
        ("a" * 40 + "r" * 20 + "f" * 10, "triggered"),  # one that is tried again neither
    ],
)
@pytest.mark.parametrize("batch", [1, 1000])
def test_when_it_pauses_itself(
    clock: Clock, plant: Plant, device: int, outcomes: str, status: str, batch: int
) -> None:
    if batch > 1 and outcomes == "f" * 11 + "a" * 39:
        status = "paused"  # one batch knows all of it
    campaign = campaign_with(plant, device, len(outcomes) + 1)
    answer(plant, outcomes, batch)
    assert state(plant, campaign)["status"] == status


def test_it_says_why_and_nothing_more_leaves(clock: Clock, plant: Plant, device: int) -> None:
    campaign = campaign_with(plant, device, 60)
    other = campaign_with(plant, device, 1)
    plant.conn.execute("select * from drip.subscribe('ops', 'campaign.paused')")
    answer(plant, "a" * 35 + "f" * 20)
    row = state(plant, campaign)
    assert row == {
        "status": "paused",
        "status_reason": f"20 of 55 {FAILED_ALIKE} (36 %)",
    }
    plant.wake()
    [left] = plant.claim()
    assert plant.message_row(left["message_id"])["campaign_id"] == other
    waiting = plant.value(
        "select max(id) from drip.broadcast_messages where campaign_id = %s and status = 'pending'",
        campaign,
    )
    assert plant.explain(waiting)["reason"] == "campaign_paused"
    [event] = plant.rows("select * from drip.read_events('ops', 10)")
    assert event["body"]["data"]["status_reason"] == row["status_reason"]
    assert plant.row(
        "select action, subject_kind, subject_id, reason from drip.audit_log"
        " where action = 'pause_campaign'"
    ) == {
        "action": "pause_campaign",
        "subject_kind": "campaign",
        "subject_id": campaign,
        "reason": row["status_reason"],
    }


def test_an_error_of_the_device_is_none_of_its_contacts(
    clock: Clock, plant: Plant, device: int
) -> None:
    campaign = campaign_with(plant, device, 60)
    answer(plant, "d" * 60)
    assert state(plant, campaign)["status"] == "triggered"
    assert plant.value("select count(*) from drip.program_results") == 0


def test_a_sequence_likewise(clock: Clock, plant: Plant, device: int) -> None:
    sequence = plant.sequence({}, {}, category="utility")
    for _ in range(60):
        plant.enroll(sequence)
    answer(plant, "a" * 45 + "f" * 15)
    row = plant.row("select status, status_reason from drip.sequences")
    assert row == {"status": "paused", "status_reason": f"15 of 60 {FAILED_ALIKE} (25 %)"}
    clock.advance(days=2)
    plant.wake()
    assert plant.claim() == []


def test_programs_are_judged_apart(clock: Clock, plant: Plant, device: int) -> None:
    """A campaign and a sequence of the same id, and single messages."""
    sequence = plant.sequence({}, category="utility", priority=3)
    for _ in range(30):
        plant.enroll(sequence)
    campaign = campaign_with(plant, device, 30)
    for _ in range(30):
        plant.message(device)
    answer(plant, "f" * 90)
    assert sequence == campaign  # the ids, as luck has it
    assert state(plant, campaign)["status"] == "triggered"
    assert plant.value("select status from drip.sequences") == "active"
    assert plant.value("select sum(results) from drip.program_results") == 60


@pytest.mark.parametrize("by", ["verb", "update"])
def test_a_resume_starts_the_count_anew(clock: Clock, plant: Plant, device: int, by: str) -> None:
    campaign = campaign_with(plant, device, 200)
    answer(plant, "f" * 50)
    for _ in range(2):
        clock.advance(hours=1)
        if by == "verb":
            plant.row("select * from drip.resume_campaign(%s)", str(campaign))
        else:
            plant.update("campaigns", campaign, status="triggered")
        answer(plant, "f" * 49)
        assert state(plant, campaign)["status"] == "triggered"
        answer(plant, "f")
        assert state(plant, campaign)["status"] == "paused"


def test_a_resumed_sequence_counts_anew(clock: Clock, plant: Plant, device: int) -> None:
    sequence = plant.sequence({}, category="utility")
    for _ in range(100):
        plant.enroll(sequence)
    answer(plant, "f" * 50)
    plant.row("select * from drip.resume_sequence(%s)", str(sequence))
    answer(plant, "f" * 49)
    assert plant.value("select status from drip.sequences") == "active"
    answer(plant, "f")
    assert plant.value("select status from drip.sequences") == "paused"


def test_today_and_yesterday_count(clock: Clock, plant: Plant, device: int) -> None:
    campaign = campaign_with(plant, device, 200)
    answer(plant, "a" * 39)
    clock.advance(days=1)
    answer(plant, "f" * 10)
    assert state(plant, campaign)["status"] == "triggered"
    answer(plant, "f")
    assert state(plant, campaign)["status"] == "paused"


def test_older_days_do_not_and_go(clock: Clock, plant: Plant, device: int) -> None:
    campaign = campaign_with(plant, device, 200)
    answer(plant, "f" * 49)
    clock.advance(days=2)
    answer(plant, "f")
    assert state(plant, campaign)["status"] == "triggered"
    assert plant.tick()["prune_results"]["rows"] == 1
    assert plant.value("select sum(results) from drip.program_results") == 1


def test_a_resume_of_yesterday_holds_today(clock: Clock, plant: Plant, device: int) -> None:
    """What was taken back does not come off another day's count."""
    campaign = campaign_with(plant, device, 300)
    answer(plant, "f" * 50)
    clock.advance(days=1)
    plant.row("select * from drip.resume_campaign(%s)", str(campaign))
    clock.advance(days=1)
    answer(plant, "f" * 49)
    assert state(plant, campaign)["status"] == "triggered"
    answer(plant, "f")
    assert state(plant, campaign)["status"] == "paused"


def receipt(plant: Plant, device: int, provider_id: str, kind: str) -> None:
    plant.rows(
        "select * from drip._apply_receipts(%s)",
        Jsonb(
            [
                {
                    "user_id": plant.user,
                    "device_id": device,
                    "platform": "gowa",
                    "provider_message_id": provider_id,
                    "kind": kind,
                    "occurred_at": None,
                }
            ]
        ),
    )


def test_a_failure_that_a_receipt_tells_is_no_second_result(
    clock: Clock, plant: Plant, device: int
) -> None:
    campaign = campaign_with(plant, device, 60)
    claimed = claim(plant, 50)
    for row in claimed:
        plant.answer(row)
    for count, row in enumerate(claimed[:11], start=1):
        receipt(plant, device, f"id-{row['message_id']}", "failed")
        assert state(plant, campaign)["status"] == ("paused" if count == 11 else "triggered")
    assert plant.row(
        "select sum(results)::int as results, sum(failures)::int as failures"
        " from drip.program_results"
    ) == {"results": 50, "failures": 11}


def test_one_that_arrived_all_the_same_is_taken_back(
    clock: Clock, plant: Plant, device: int
) -> None:
    campaign_with(plant, device, 1)
    plant.wake()
    [row] = plant.claim()
    plant.answer(row, "permanent", provider_message_id="id-1")
    receipt(plant, device, "id-1", "delivered")
    assert plant.message_row(row["message_id"])["status"] == "sent"
    assert plant.row(
        "select sum(results)::int as results, sum(failures)::int as failures"
        " from drip.program_results"
    ) == {"results": 1, "failures": 0}


def test_an_unknown_counts_when_it_is_settled(clock: Clock, plant: Plant, device: int) -> None:
    campaign_with(plant, device, 2)
    plant.wake()
    claimed = plant.claim()
    for row, outcome in zip(claimed, ["accepted", "permanent"], strict=True):
        plant.answer(row, "unknown")
        plant.answer(row, outcome)
        plant.answer(row, outcome)
    assert plant.row(
        "select sum(results)::int as results, sum(failures)::int as failures"
        " from drip.program_results"
    ) == {"results": 2, "failures": 1}


# -- several sessions -------------------------------------------------------------------------


def in_session(session: Connection, rows: list[Row]) -> None:
    session.execute("set lock_timeout = '5s'")
    session.execute("select * from drip.record_results('w', %s)", [Jsonb(rows)])


def test_recorders_do_not_wait_for_each_other(clock: Clock, plant: Plant, connect: Connect) -> None:
    """Four open transactions, each with results of both programs, in no common order."""
    plant.tenant(breaker_sample=100_000)
    devices = [plant.device(burst=100) for _ in range(4)]
    campaigns = [plant.campaign() for _ in range(2)]
    for device in devices:
        for campaign in campaigns:
            for _ in range(15):
                plant.message(device, campaign_id=campaign, priority=3, category="marketing")
    claimed = claim(plant, 120)
    sessions = [clock.join(connect(autocommit=False)) for _ in devices]
    for half in (1, 2):
        for number, (session, device) in enumerate(zip(sessions, devices, strict=True)):
            mine = [
                row
                for row in claimed
                if row["device_id"] == device
                and (plant.message_row(row["message_id"])["campaign_id"] == campaigns[0])
                == ((number + half) % 2 == 0)
            ]
            in_session(session, results(mine, "f" * len(mine)))
    for session in sessions:
        session.commit()
    assert plant.row(
        "select sum(results)::int as results, count(distinct slot)::int as slots"
        " from drip.program_results"
    ) == {"results": 120, "slots": 4}
    # none of them saw the others' counts; the next failure does
    plant.message(devices[0], campaign_id=campaigns[0], priority=3, category="marketing")
    answer(plant, "f")
    assert state(plant, campaigns[0])["status"] == "paused"


def test_a_program_that_somebody_holds_is_judged_by_the_next_failure(
    clock: Clock, plant: Plant, connect: Connect, device: int
) -> None:
    """Nobody waits for a person in psql, and nothing that was counted is lost."""
    campaign = campaign_with(plant, device, 60)
    holder = connect(autocommit=False)
    holder.execute("select from drip.campaigns for update")
    plant.conn.execute("set lock_timeout = '5s'")
    answer(plant, "f" * 50)
    assert state(plant, campaign)["status"] == "triggered"
    holder.rollback()
    answer(plant, "f")
    assert state(plant, campaign)["status"] == "paused"


def test_a_resume_that_is_not_committed_holds_no_recorder(
    clock: Clock, plant: Plant, connect: Connect, device: int
) -> None:
    campaign = campaign_with(plant, device, 120)
    answer(plant, "a" * 5)
    claimed = claim(plant, 50)
    plant.row("select * from drip.pause_campaign(%s)", str(campaign))
    application = clock.join(connect(autocommit=False))
    application.execute("select * from drip.resume_campaign(%s)", [str(campaign)])
    done = threading.Event()
    session = clock.join(connect())

    def record() -> None:
        in_session(session, results(claimed, "f" * 50))
        done.set()

    thread = threading.Thread(target=record)
    thread.start()
    thread.join(timeout=20)
    assert done.is_set()
    application.commit()
    assert plant.value("select sum(results) from drip.program_results") == 50
