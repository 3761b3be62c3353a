"""What a pause holds, and what each policy of a resume makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factory import Clock, Plant
from psycopg.types.json import Jsonb

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def paused_after_the_first_step(clock: Clock, plant: Plant, length: timedelta) -> tuple[int, int]:
    """A journey of four daily steps, paused twelve hours after the first; sequence, enrollment."""
    plant.device()
    sequence = plant.sequence(*({"content": str(step)} for step in range(1, 5)))
    enrollment = plant.enroll(sequence)
    plant.live(clock, clock.now + 12 * HOUR)
    row = plant.row("select * from drip.pause_sequence(%s, 'holiday')", str(sequence))
    assert (row["pending"], row["outcome"]) == (3, "paused")
    assert plant.live(clock, clock.now + length) == []
    assert plant.enrollment(enrollment)["status"] == "paused"
    return sequence, enrollment


def resume(plant: Plant, sequence: int, policy: str) -> None:
    plant.row("select * from drip.resume_sequence(%s, %s)", str(sequence), policy)


@pytest.mark.lesson(19, story=True)
@pytest.mark.lesson(20, story=True)
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        # the pause does not count: everything is that much later
        ("shift", {"2": 3.25, "3": 4.25, "4": 5.25}),
        # overdue ones go, still a day apart from each other
        ("catch_up", {"2": 2.75, "3": 3.75, "4": 4.75}),
        # two are overdue and are skipped
        ("skip", {"4": 3}),
    ],
)
def test_each_policy(clock: Clock, plant: Plant, policy: str, expected: dict[str, float]) -> None:
    start = clock.now
    sequence, enrollment = paused_after_the_first_step(clock, plant, 2.25 * DAY)
    resume(plant, sequence, policy)
    handed = plant.live(clock, start + 10 * DAY)
    assert {text: (at - start) / DAY for at, _, text in handed} == expected
    assert plant.enrollment(enrollment)["status"] == "completed"
    reasons = {row["status_reason"] for row in plant.journey(enrollment)} - {None}
    assert reasons == ({"skipped_by_resume"} if policy == "skip" else set())


@pytest.mark.lesson(20, story=True)
def test_a_pause_does_not_let_messages_expire(clock: Clock, plant: Plant) -> None:
    """With shift the pause does not count, so the validity moves along."""
    start = clock.now
    plant.device()
    sequence = plant.sequence({"content": "1"}, {"content": "2", "valid_for": "1 hour"})
    enrollment = plant.enroll(sequence)
    plant.live(clock, clock.now + 12 * HOUR)
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    plant.live(clock, clock.now + 3 * DAY)
    second = plant.journey(enrollment)[1]
    assert plant.explain(second["id"])["reason"] == "sequence_paused"
    resume(plant, sequence, "shift")
    handed = plant.live(clock, clock.now + DAY)
    assert [(text, (at - start) / DAY) for at, _, text in handed] == [("2", 4)]


def test_a_paused_campaign_does_not_let_messages_expire(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    campaign = plant.campaign()
    message = plant.message(device, campaign_id=campaign, priority=3, expires_at=clock.now + HOUR)
    plant.row("select * from drip.pause_campaign(%s)", str(campaign))
    plant.live(clock, clock.now + DAY)
    assert plant.explain(message)["reason"] == "campaign_paused"
    plant.row("select * from drip.resume_campaign(%s)", str(campaign))
    assert len(plant.live(clock, clock.now + HOUR)) == 1


def test_after_catch_up_an_overdue_validity_is_over(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({"valid_for": "1 hour"}, start_delay="1 hour")
    enrollment = plant.enroll(sequence)
    plant.row("select * from drip.pause_sequence(%s)", str(sequence))
    plant.live(clock, clock.now + DAY)
    resume(plant, sequence, "catch_up")
    assert plant.live(clock, clock.now + DAY) == []
    assert [row["status"] for row in plant.journey(enrollment)] == ["expired"]
    assert plant.enrollment(enrollment)["status"] == "completed"


@pytest.mark.lesson(36, story=True)
def test_a_failed_campaign_holds_its_messages_until_it_goes_on(clock: Clock, plant: Plant) -> None:
    """Not dropped: a failed plan can be mended and goes on where it stopped."""
    device = plant.device()
    campaign = plant.campaign()
    message = plant.message(device, campaign_id=campaign, priority=3)
    plant.conn.execute("update drip.campaigns set status = 'failed', status_reason = 'planning'")
    assert plant.live(clock, clock.now + HOUR) == []
    explained = plant.explain(message)
    assert (explained["verdict"], explained["reason"]) == ("wait", "campaign_paused")
    plant.conn.execute(explained["remedy"].encode())
    assert len(plant.live(clock, clock.now + HOUR)) >= 1
    assert plant.message_row(message)["status"] == "sent"


def test_an_update_by_hand_pauses_like_the_verb(clock: Clock, plant: Plant) -> None:
    start = clock.now
    plant.device()
    enrollment = plant.enroll(plant.sequence({"content": "1"}, {"content": "2"}))
    plant.live(clock, clock.now + HOUR)
    plant.conn.execute("update drip.sequences set status = 'paused'")
    assert plant.live(clock, clock.now + 2 * DAY) == []
    assert plant.enrollment(enrollment)["status"] == "paused"
    plant.conn.execute("update drip.sequences set status = 'active'")
    handed = plant.live(clock, start + 9 * DAY)
    assert [(at - start) / DAY for at, _, _ in handed] == [3]


def test_a_paused_lead_gets_nothing_from_anywhere(clock: Clock, plant: Plant) -> None:
    device = plant.device()
    phone = "+60123456789"
    lead = plant.lead(phone)
    plant.enroll(plant.sequence(), lead)
    plant.message(device, lead)
    plant.row("select * from drip.pause_lead(%s, %s)", phone, clock.now + 6 * HOUR)
    until = clock.now + 6 * HOUR
    handed = plant.live(clock, clock.now + DAY)
    assert [at for at, _, _ in handed] == [until, until]


def test_an_archived_sequence_ends_its_journeys(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence({}, {})
    enrollment = plant.enroll(sequence)
    plant.live(clock, clock.now + HOUR)
    plant.row("select * from drip.archive_sequence(%s)", str(sequence))
    assert plant.live(clock, clock.now + 3 * DAY) == []
    row = plant.enrollment(enrollment)
    assert (row["status"], row["exit_reason"]) == ("exited", "sequence_archived")
    assert [row["status"] for row in plant.journey(enrollment)] == ["sent", "cancelled"]


@pytest.mark.parametrize("of", ["sequence", "campaign", "lead"])
@pytest.mark.parametrize("valid_for", [None, "30 minutes"])
def test_a_pause_does_not_shorten_the_wait_after_a_failure(
    clock: Clock, plant: Plant, of: str, valid_for: str | None
) -> None:
    """The sender said an hour; a pause of a minute in between is no reason to knock sooner."""
    plant.device()
    phone = "+60123456789"
    lead = plant.lead(phone)
    if of == "campaign":
        plant.row(
            "select * from drip.create_campaign(%s)",
            Jsonb({"title": "X", "message": "Hi", "everyone": True, "valid_for": valid_for}),
        )
        plant.row("select * from drip.schedule_campaign('X')")
        plant.tick()
    else:
        sequence = plant.sequence({"valid_for": valid_for}, name="X")
        plant.enroll(sequence, lead)
    [claimed] = plant.claim()
    plant.answer(claimed, "retry", retry_after_seconds=3600, error_code="BUSY")
    failed_at = clock.now
    clock.advance(minutes=10)
    argument = phone if of == "lead" else "X"
    plant.row(f"select * from drip.pause_{of}(%s)", argument)
    plant.tick()
    clock.advance(minutes=35)
    plant.tick()
    assert plant.message_row(claimed["message_id"])["status"] == "pending"
    plant.row(f"select * from drip.resume_{of}(%s)", argument)
    handed = plant.live(clock, failed_at + 3 * HOUR)
    # the pause adds its 35 minutes to the validity
    assert [at for at, _, _ in handed] == [failed_at + HOUR]
